"""What should the network be shown of a mask that clicks start from?

    python -m tests.benchmarks.bench_starts --data TRAIN [--domains MORE] [--each 6] [--clicks 5]

For each validation object (click99 validate) the robot corrects two masks: that of a box around the object,
and one that is nearly right, as another program's prediction, saved without a soft edge. Once as in one go,
and once as with Auto-Accept where the region tells no clicks: each click starts from the mask before.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from click99.labelstudio.prompts import Box
from click99.segmentation.clicks import Click
from click99.segmentation.device import use_threads
from click99.segmentation.metrics import iou
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import paper_robot
from click99.sessions.boxes import first_mask, own_click
from click99.sessions.corrections import Start, kept_corrections
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.sample import Sample
from click99_training.evaluation.validation import DOMAIN, Validation, suites
from click99_training.loop.nearly_right import nearly_right

NEAR = 0.02  # of the long side, as sessions have it
SLOPPY = (-0.02, 0.05)  # of the object's sides, that a box keeps away from it


class Way(NamedTuple):
    """own: the click that is shown before the others, of the mask they start from. soft: that mask keeps its
    soft edge. kept: what no click asks for stays. anew: each click starts from the mask before it."""

    own: Callable[[Start, Sequence[Click]], list[Click]]
    soft: bool = False
    kept: bool = True
    anew: bool = False


def ways(box: Box | None) -> dict[str, Way]:
    def none(start: Start, clicks: Sequence[Click]) -> list[Click]:
        return []

    tried = {
        "nothing": Way(none),
        "its deepest": Way(Start.own_click),
        "nothing, accepted each": Way(none, anew=True),
        "its deepest, accepted each": Way(Start.own_click, anew=True),
    }
    if box:

        def middle(start: Start, clicks: Sequence[Click]) -> list[Click]:
            return own_click(box, clicks)

        tried |= {"box's middle": Way(middle), "box's middle, soft, not kept": Way(middle, True, False)}
        tried |= {"nothing, soft, not kept": Way(none, True, False)}
    return tried


def corrected(predictor: Predictor, sample: Sample, begun: np.ndarray, way: Way, count: int) -> list[float]:
    """IoU before the first and after each click. begun: alpha, float32 [H, W]."""
    start, alpha, clicks = Start(begun > 0.5), begun if way.soft else (begun > 0.5) * np.float32(1), []
    ious = [iou(start.mask, sample.truth, sample.void)]
    while len(ious) <= count and (found := paper_robot(sample.truth, alpha > 0.5, sample.void)):
        if way.anew:
            start, clicks = Start(alpha > 0.5), []
            alpha = start.mask.astype(np.float32)
        clicks.append(found.click)
        shown = [*way.own(start, clicks), *clicks]
        alpha = predictor.refine(sample.image, shown, alpha, sample.name)
        if way.kept:
            whole = np.asarray(cv2.convertScaleAbs(alpha, alpha=255))
            alpha = kept_corrections(start, whole, clicks, NEAR * max(begun.shape)) / np.float32(255)
        ious.append(iou(alpha > 0.5, sample.truth, sample.void))
    return ious + ious[-1:] * (count + 1 - len(ious))


def around(truth: np.ndarray, rng: np.random.Generator) -> Box:
    """The object's box, about as exact as people draw it."""
    left, top, width, height = cv2.boundingRect(truth.astype(np.uint8))
    out = rng.uniform(*SLOPPY, 4) * (width, height, width, height)
    ends = np.array([left, top, left + width, top + height]) + np.array([-1, -1, 1, 1]) * out.round()
    rows, columns = truth.shape
    sides = np.clip(ends, 0, [columns - 1, rows - 1, columns, rows]).astype(int).tolist()
    return Box(sides[0], sides[1], max(sides[2], sides[0] + 1), max(sides[3], sides[1] + 1), "box")


def usable(data: SampleDataset) -> Iterator[Sample]:
    """Its objects, but for files that are no good."""
    for k in range(len(data)):
        with suppress(SampleError):
            if (sample := data[k]).truth.any():
                yield sample


def objects(data: Path, domains: Path | None, each: int) -> Iterator[Sample]:
    """Those of click99 validate that are alone, small, or of a domain; says which are done."""
    for suite in suites(Validation(data, domains, None, each=each)):
        if suite.name.startswith(("alone", "small", DOMAIN)):
            yield from usable(suite.data)
            print(f"{suite.name} is done", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--domains", type=Path)
    parser.add_argument("--each", type=int, default=6)
    parser.add_argument("--clicks", type=int, default=5)
    options = parser.parse_args()
    use_threads(1)
    predictor, rng = Predictor.load(), np.random.default_rng(7)
    found: dict[tuple[str, str], list[list[float]]] = {}
    for sample in objects(options.data, options.domains, options.each):
        box = around(sample.truth, rng)
        boxed = first_mask(box, predictor, sample.image, sample.name).alpha / np.float32(255)
        for kind, begun, tried in (
            ("a box's mask", boxed, ways(box)),
            ("a nearly right mask", nearly_right(sample.truth, rng)[0], ways(None)),
        ):
            for name, way in tried.items():
                ious = corrected(predictor, sample, begun, way, options.clicks)
                found.setdefault((kind, name), []).append(ious)
    print("mean IoU before the first and after each click; share of first clicks that lose 0.02 and more")
    for (kind, name), each in found.items():
        ious = np.array(each)
        told = " | ".join(f"{mean:.3f}" for mean in ious.mean(0))
        print(f"| {kind} | {name} | {told} | {(ious[:, 1] < ious[:, 0] - 0.02).mean():.0%} | {len(ious)} |")


if __name__ == "__main__":
    main()

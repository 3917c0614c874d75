"""Is a lasso around an object a better first prompt than a box or a click?

    python -m tests.benchmarks.bench_lasso [DATA...] [--manifest MORE] [--every 5] [--most 4]

DATA: folders of images and masks, as GrabCut's. MORE: a folder with a manifest.csv, whose `val` pictures are
taken, the first MOST of each source. The robot's lasso runs a twentieth of the object's extent outside of it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.device import use_threads
from click99.segmentation.metrics import iou
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import paper_robot
from click99.sessions.boxes import Lasso, first_mask
from click99_training.datasets.dataset import Sample
from click99_training.datasets.folders import MaskFolder
from click99_training.datasets.manifest import ManifestDataset

WIDE = 0.05  # of the object's longer extent, that a lasso keeps away from it
CLOSE = 2.0  # pixels that its corners may stray from the line
CLICKS = 4


def lasso(truth: np.ndarray) -> Lasso:
    """Around all of the object, bool [H, W], or its largest part where others are far from that."""
    _, _, width, height = cv2.boundingRect(truth.astype(np.uint8))
    away = max(2, round(WIDE * max(width, height)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * away + 1, 2 * away + 1))
    wide = cv2.dilate(truth.astype(np.uint8), disc)
    rings, _ = cv2.findContours(wide, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    line = cv2.approxPolyDP(max(rings, key=cv2.contourArea), CLOSE, closed=True)
    return Lasso(tuple((int(x), int(y)) for x, y in line[:, 0]))


def clicked(predictor: Predictor, sample: Sample) -> Iterator[np.ndarray]:
    """The masks after the robot's clicks."""
    alpha, clicks, mask = None, list[Click](), np.zeros(sample.truth.shape, bool)
    for _ in range(CLICKS):
        if correction := paper_robot(sample.truth, mask, sample.void):
            clicks.append(correction.click)
            alpha = predictor.refine(sample.image, clicks, alpha, sample.name)
            mask = alpha > 0.5
        yield mask


def ways(predictor: Predictor, sample: Sample) -> dict[str, float]:
    """IoU of each."""
    around = lasso(sample.truth)
    inside = np.zeros(sample.truth.shape, bool)
    inside[around.box.top : around.box.bottom, around.box.left : around.box.right] = around.inside
    boxed, lassoed = (
        first_mask(each, predictor, sample.image, sample.name).alpha > 127 for each in (around.box, around)
    )
    masks = {f"{k} clicks": mask for k, mask in enumerate(clicked(predictor, sample), 1)}
    masks |= {"the lasso itself": inside, "its box": boxed}
    masks |= {"its box, cut by the lasso at the end": boxed & inside, "a lasso": lassoed}
    return {name: iou(mask, sample.truth, sample.void) for name, mask in masks.items()}


def samples(options: argparse.Namespace) -> Iterator[tuple[str, Sample]]:
    for folder in map(MaskFolder, options.data):
        for k in range(0, len(folder), options.every):
            yield "benchmarks", folder[k]
    if options.manifest:
        taken: Counter[str] = Counter()
        data = ManifestDataset(options.manifest, "val")
        for sample in map(data.__getitem__, range(len(data))):
            source = sample.name.split("/")[0]
            taken[source] += 1
            if taken[source] <= options.most:
                yield "domains", sample


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="*")
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--most", type=int, default=4)
    options = parser.parse_args()
    use_threads(1)
    predictor, found = Predictor.load(), dict[str, list[dict[str, float]]]()
    for kind, sample in samples(options):
        if sample.truth.any():
            found.setdefault(kind, []).append(ways(predictor, sample))
    for kind, reached in found.items():
        print(f"{kind}: {len(reached)} objects; mean IoU, share of first masks below 0.5")
        for name in reached[0]:
            ious = np.array([each[name] for each in reached])
            print(f"| {name} | {ious.mean():.3f} | {(ious < 0.5).mean():.0%} |")


if __name__ == "__main__":
    main()

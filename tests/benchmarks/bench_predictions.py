"""Should a prediction that nobody has confirmed stay where no click asks?

    python -m tests.benchmarks.bench_predictions --data TRAIN [--domains MORE] [--each 5] [--clicks 4]

For each validation object (click99 validate) the robot corrects masks as other programs predict them. Told by
the IoU that they begin with: what no click asks for stays, or the network may change its mind anywhere.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from click99.segmentation.device import use_threads
from click99.segmentation.predictor import Predictor
from click99.sessions.corrections import Start
from click99_training.datasets.sample import Sample
from click99_training.loop.nearly_right import nearly_right
from tests.benchmarks.bench_starts import Way, around, corrected, objects

SIDE = 28  # cells of a detector's masks, each way
SMALL = 400  # pixels of the long side, on which GrabCut runs
BITE = 0.3  # of the object's smaller side
BINS = (0.0, 0.5, 0.8, 0.95, 1.01)
WAYS = {"stays": Way(Start.own_click), "free": Way(Start.own_click, kept=False)}


def noise(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """The errors that training draws."""
    return nearly_right(sample.truth, rng)[0] > 0.5


def coarse(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """A detector's: cells of a box that is about right."""
    box, truth = around(sample.truth, rng), sample.truth.astype(np.float32)
    part = truth[box.top : box.bottom, box.left : box.right]
    cells = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    found = np.zeros(truth.shape, bool)
    fine = cv2.resize(cells, part.shape[::-1], interpolation=cv2.INTER_LINEAR)
    found[box.top : box.bottom, box.left : box.right] = fine > 0.5
    return found


def colours(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """GrabCut's, of a box: real errors, made by what the picture shows."""
    height, width = sample.truth.shape
    scale = min(1, SMALL / max(height, width))
    size = max(2, round(width * scale)), max(2, round(height * scale))
    image = cv2.resize(np.ascontiguousarray(sample.image), size, interpolation=cv2.INTER_AREA)
    ends = np.array(around(sample.truth, rng).ends) * scale
    left, top = np.floor(ends[:2]).astype(int)
    right, bottom = np.ceil(ends[2:]).astype(int)
    labels, models = np.zeros(size[::-1], np.uint8), (np.zeros((1, 65)), np.zeros((1, 65)))
    box = (int(left), int(top), max(1, int(right - left)), max(1, int(bottom - top)))
    with suppress(cv2.error):  # the box is all of the picture
        cv2.grabCut(image, labels, box, *models, 5, cv2.GC_INIT_WITH_RECT)
    found = (labels & 1).astype(np.float32)
    return cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5


def bitten(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """Right but for one round part, too much or too little: a very good program's."""
    rows, columns = np.nonzero(sample.truth)
    at = rng.integers(len(rows))
    *_, width, height = cv2.boundingRect(sample.truth.view(np.uint8))
    disc = np.zeros(sample.truth.shape, np.uint8)
    place = int(columns[at]), int(rows[at])
    cv2.circle(disc, place, max(2, round(BITE / 2 * min(width, height))), 1, cv2.FILLED)
    return sample.truth & ~(disc > 0) if rng.random() < 0.5 else sample.truth | (disc > 0)


KINDS: dict[str, Callable[[Sample, np.random.Generator], np.ndarray]] = {
    "training's noise": noise,
    "a detector's cells": coarse,
    "GrabCut": colours,
    "one bite": bitten,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--domains", type=Path)
    parser.add_argument("--each", type=int, default=5)
    parser.add_argument("--clicks", type=int, default=4)
    parser.add_argument("--checkpoint", type=Path)
    options = parser.parse_args()
    use_threads(1)
    predictor, rng = Predictor.load(options.checkpoint), np.random.default_rng(7)
    found: dict[tuple[str, str], list[list[float]]] = {}
    for sample in objects(options.data, options.domains, options.each):
        for kind, predicted in KINDS.items():
            begun = predicted(sample, rng).astype(np.float32)
            for name, way in WAYS.items() if begun.any() else ():
                ious = corrected(predictor, sample, begun, way, options.clicks)
                found.setdefault((kind, name), []).append(ious)
    tell(found)


def tell(found: dict[tuple[str, str], list[list[float]]]) -> None:
    print("| predicted by | begun at | objects | how | mean IoU before the first and after each click |")
    for (kind, name), each in found.items():
        ious = np.array(each)
        for low, high in pairwise(BINS):
            chosen = ious[(ious[:, 0] >= low) & (ious[:, 0] < high)]
            told = " / ".join(f"{mean:.3f}" for mean in chosen.mean(0)) if len(chosen) else "none"
            print(f"| {kind} | {low} to {min(high, 1)} | {len(chosen)} | {name} | {told} |")


if __name__ == "__main__":
    main()

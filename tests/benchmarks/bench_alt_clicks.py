"""Whether an Alt+click beside an object ever lets its mask reach farther in that direction.

    python -m tests.benchmarks.bench_alt_clicks [--every 2] [--shapes 6]

Every second picture of the gate's base set, and shapes in six megapixels: the robot's first click, then one
Alt+click a few pixels outside of the object, in two random directions each. Reach: the farthest pixel of the
clicked part of the mask in a cone of 15° to either side of the direction.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import cv2
import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import robot_click
from click99_training.base import open_base
from click99_training.datasets.sample import Sample
from click99_training.datasets.shapes import LargePictures

DIRECTIONS = 2  # of each object
BESIDE = 4  # pixels between object and Alt+click
CONE = np.tan(np.radians(15))
SLACK = 3  # pixels: of an outline that is drawn anew


@dataclass(frozen=True)
class Reach:
    """In pixels from the first click: of the Alt+click, of the mask before and after it."""

    name: str
    at: float
    before: float
    after: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--shapes", type=int, default=6)
    options = parser.parse_args()
    base, shapes, rng = open_base(None).train, LargePictures(options.shapes), np.random.default_rng(0)
    samples = [base[k] for k in range(0, len(base), options.every)]
    samples += [shapes[k] for k in range(len(shapes))]
    predictor = Predictor.load()
    found = [reach for sample in samples for reach in reaches(predictor, sample, rng)]
    farther = [reach for reach in found if reach.after > reach.before + SLACK]
    print(f"{len(found)} Alt+clicks, {len(farther)} let the mask reach farther", *farther, sep="\n")


def reaches(predictor: Predictor, sample: Sample, rng: np.random.Generator) -> list[Reach]:
    first = robot_click(sample.truth, np.zeros(sample.truth.shape, bool))
    assert first
    alpha = predictor.judged(sample.image, [first], None, sample.name).alpha
    found = []
    for angle in rng.uniform(0, 2 * np.pi, DIRECTIONS):
        direction = np.array([np.cos(angle), np.sin(angle)])
        if alt := beside(sample.truth, first, direction):
            after = predictor.judged(sample.image, [first, alt], alpha, sample.name).alpha
            at = float(np.hypot(alt.x - first.x, alt.y - first.y))
            masks = (alpha > 0.5, after > 0.5)
            found.append(Reach(sample.name, at, *(reach(mask, first, direction) for mask in masks)))
    return found


def beside(truth: np.ndarray, first: Click, direction: np.ndarray) -> Click | None:
    """An Alt+click just outside of the object, bool [H, W]; None where the picture ends before."""
    around = cv2.dilate(truth.astype(np.uint8), np.ones((2 * BESIDE + 1,) * 2, np.uint8))
    for distance in range(sum(truth.shape)):
        x, y = (round(float(place)) for place in np.array([first.x, first.y]) + distance * direction)
        if not (0 <= y < truth.shape[0] and 0 <= x < truth.shape[1]):
            return None
        if not around[y, x]:
            return Click(x, y, False)
    return None


def reach(mask: np.ndarray, first: Click, direction: np.ndarray) -> float:
    """How far the part of a mask, bool [H, W], that holds the first click reaches from it."""
    parts = cv2.connectedComponents(mask.astype(np.uint8))[1]
    rows, columns = np.nonzero(parts == parts[first.y, first.x] if mask[first.y, first.x] else mask)
    offsets = np.stack([columns - first.x, rows - first.y], 1)
    along, aside = offsets @ direction, np.abs(offsets @ np.array([-direction[1], direction[0]]))
    return float(max(along[(along > 0) & (aside <= CONE * along + 3)], default=0))


if __name__ == "__main__":
    main()

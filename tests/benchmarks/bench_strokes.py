"""Is a stroke inside an error, as clicks along it, better than clicks? A robot draws and clicks.

    python -m tests.benchmarks.bench_strokes DATA... [--every 10] [--points 4] [--gestures 2]
        [--checkpoint FILE]

DATA: folders of images and masks, as GrabCut's. A gesture falls into the largest wrong region, as the paper's
robot does. A *click* is its deepest pixel. A *stroke* runs along the region's long axis where it is deep, and
is so many points: given to the network one after the other, each a step, or all of them in one step. Clicks
go on until they are as many as all points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.device import use_threads
from click99.segmentation.metrics import iou
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import depth, largest_wrong_region, paper_robot
from click99_training.datasets.dataset import Sample
from click99_training.datasets.folders import MaskFolder

Gesture = Callable[[np.ndarray, np.ndarray, "np.ndarray | None"], list[Click]]


def clicked(truth: np.ndarray, mask: np.ndarray, void: np.ndarray | None) -> list[Click]:
    correction = paper_robot(truth, mask, void)
    return [correction.click] if correction else []


def stroke(points: int) -> Gesture:
    def drawn(truth: np.ndarray, mask: np.ndarray, void: np.ndarray | None) -> list[Click]:
        region = largest_wrong_region(truth, mask, void)
        return [] if region is None else along(region, truth, points)

    return drawn


def along(region: np.ndarray, truth: np.ndarray, points: int) -> list[Click]:
    """The deepest pixel of each of `points` parts of the region's deep half, cut across its long axis."""
    deep = depth(region)
    ys, xs = np.nonzero(deep >= 0.5 * deep.max())
    places = np.stack([xs, ys], 1).astype(float)
    _, _, axes = np.linalg.svd(places - places.mean(0), full_matrices=False)
    order = np.argsort((places - places.mean(0)) @ axes[0], kind="stable")
    parts = [part for part in np.array_split(order, points) if len(part)]
    best = [part[deep[ys[part], xs[part]].argmax()] for part in parts]
    return [Click(int(xs[k]), int(ys[k]), bool(truth[ys[k], xs[k]])) for k in best]


def gestures(
    predictor: Predictor, sample: Sample, gesture: Gesture, count: int, at_once: bool
) -> list[float]:
    """IoU after each gesture."""
    alpha, clicks, reached = None, list[Click](), list[float]()
    mask = np.zeros(sample.truth.shape, bool)
    for _ in range(count):
        new = gesture(sample.truth, mask, sample.void)
        for k in [len(new)] if at_once else range(1, len(new) + 1):
            if new:
                alpha = predictor.refine(sample.image, [*clicks, *new[:k]], alpha, sample.name)
        clicks += new
        mask = mask if alpha is None else alpha > 0.5
        reached.append(iou(mask, sample.truth, sample.void))
    return reached


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--points", type=int, default=4)
    parser.add_argument("--gestures", type=int, default=2)
    parser.add_argument("--checkpoint", type=Path, help="the shipped network if not given")
    options = parser.parse_args()
    use_threads(1)
    predictor, drawn = Predictor.load(options.checkpoint), stroke(options.points)
    n = options.gestures
    ways = {
        "clicks": (clicked, n * options.points, False),
        "strokes, steps": (drawn, n, False),
        "strokes, at once": (drawn, n, True),
    }
    found: dict[str, list[list[float]]] = {name: [] for name in ways}
    for sample in (
        data[k] for data in map(MaskFolder, options.data) for k in range(0, len(data), options.every)
    ):
        for name, (gesture, count, at_once) in ways.items():
            found[name].append(gestures(predictor, sample, gesture, count, at_once))
        print(f"{len(found['clicks'])} masks, {options.points} points a stroke; mean IoU after each gesture")
        for name, reached in found.items():
            print(
                f"| {name} | {' | '.join(f'{each:.3f}' for each in np.mean(reached, axis=0))} |", flush=True
            )


if __name__ == "__main__":
    main()

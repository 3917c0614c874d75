"""How much longer an evaluation takes than the forward passes in it.

    python -m tests.benchmarks.bench_evaluate DATA [--dataset grabcut] [--images 50] [--checkpoint FILE]

Evaluates as `click99 evaluate` does, 20 clicks an image, and prints where the time goes: the network (both
streams), the rest of each answer (resizing, click maps, parts without a click), the robot, and waiting for
the next image or the judges. All of it is of one run, so other work on the machine meets every part alike.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import torch

from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import ROBOTS
from click99_training.datasets.skipped_samples import SkippedSamples, readable
from click99_training.evaluation.evaluate import NetworkClock, annotate, open_benchmark
from click99_training.evaluation.prefetch import ahead


class Stopwatch:
    """Seconds spent inside a call."""

    def __init__(self, call: Callable):
        self.call, self.seconds = call, 0.0

    def __call__(self, *args, **kwargs):
        start = time.perf_counter()
        try:
            return self.call(*args, **kwargs)
        finally:
            self.seconds += time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of an evaluation over its forward passes")
    parser.add_argument("data", type=Path)
    parser.add_argument("--dataset", default="grabcut")
    parser.add_argument("--protocol", default="paper", choices=ROBOTS)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    predictor = Predictor.load(options.checkpoint, "auto")
    network, robot = NetworkClock(predictor.network), Stopwatch(ROBOTS[options.protocol])
    predictor.refine = answer = Stopwatch(predictor.refine)
    data = readable(open_benchmark(options.dataset, options.data), SkippedSamples())
    samples = ahead(itertools.islice(data, options.images))
    annotate(predictor, next(samples), clicks=2)  # not counted: the first pass allocates
    network.seconds = answer.seconds = 0.0

    start, clicks = time.perf_counter(), 0
    for sample in samples:
        clicks += len(annotate(predictor, sample, robot).clicks)
    total = time.perf_counter() - start
    parts = {
        "network": network.seconds,
        "rest of the answers": answer.seconds - network.seconds,
        "robot": robot.seconds,
        "waiting for images and judges": total - answer.seconds - robot.seconds,
    }
    print(f"{clicks} clicks on {options.dataset} by {predictor.version}, {options.threads} threads")
    for name, seconds in parts.items():
        print(f"{name:<32}{seconds:8.1f} s {seconds / total:7.1%} {1000 * seconds / clicks:8.1f} ms a click")
    print(f"whole evaluation / network: {total / network.seconds:.3f} (bar: 1.2)")


if __name__ == "__main__":
    main()

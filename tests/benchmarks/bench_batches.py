"""Would pre-annotation be quicker if the image stream saw several pictures at once?

    python -m tests.benchmarks.bench_batches [--side 448] [--batches 1,2,4] [--rounds 15]

Milliseconds of one core a picture, medians; each round runs every batch and a whole mask, now the one first,
now the other, so that other work on the machine meets all. A whole mask is what `click99 preannotate`
computes for a picture's first point: image stream, click, closer looks.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from click99.segmentation.clicks import Click
from click99.segmentation.device import use_threads
from click99.segmentation.predictor import Predictor
from tests.benchmarks.bench_click import picture


def milliseconds(work: Callable[[], object]) -> float:
    """Of the core, not of the clock, on which others' work would show."""
    begun = time.process_time()
    work()
    return 1000 * (time.process_time() - begun)


def whole_mask(predictor: Predictor) -> None:
    predictor.features.clear()
    predictor.judged(picture(), [Click(320, 240, True)], None, "picture")


@torch.inference_mode()
def stream(predictor: Predictor, pixels: torch.Tensor) -> None:
    predictor.network.encode(pixels)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=448)
    parser.add_argument("--batches", default="1,2,4")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    use_threads(1)
    predictor = Predictor.load(device="cpu")
    shape = (3, options.side, options.side)
    work: dict[str, tuple[int, Callable[[], None]]] = {"a whole mask": (1, partial(whole_mask, predictor))}
    for count in map(int, options.batches.split(",")):
        pixels = torch.rand(count, *shape).contiguous(memory_format=torch.channels_last)
        work[f"image stream, batch {count}"] = count, partial(stream, predictor, pixels)
    times: dict[str, list[float]] = {name: [] for name in work}
    for number in range(options.rounds + 1):
        for name in sorted(work, reverse=number % 2 == 0):
            count, run = work[name]
            times[name].append(milliseconds(run) / count)
    medians = {name: float(np.median(each[1:])) for name, each in times.items()}  # the first warms up
    single = medians[next(name for name in medians if name.startswith("image stream"))]
    print(f"| {predictor.version}, one thread, {options.side}² | ms a picture | : the first batch |")
    print("|---|---|---|")
    for name, median in medians.items():
        print(f"| {name} | {median:.1f} | {median / single:.2f} |")


if __name__ == "__main__":
    main()

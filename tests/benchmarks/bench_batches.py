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

import torch

from click99.segmentation.clicks import Click
from click99.segmentation.device import use_threads
from click99.segmentation.predictor import Predictor
from tests.benchmarks.bench_click import picture
from tests.benchmarks.turns import medians


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
    work: dict[str, Callable[[], None]] = {"a whole mask": partial(whole_mask, predictor)}
    pictures = {"a whole mask": 1}
    for count in map(int, options.batches.split(",")):
        pixels = torch.rand(count, *shape).contiguous(memory_format=torch.channels_last)
        name = f"image stream, batch {count}"
        work[name], pictures[name] = partial(stream, predictor, pixels), count
    # Of the core, not of the clock on the wall, on which others' work would show.
    found = medians(work, options.rounds, time.process_time)
    each = {name: found[name] / pictures[name] for name in found}
    single = each[next(name for name in each if name.startswith("image stream"))]
    print(f"| {predictor.version}, one thread, {options.side}² | ms a picture | : the first batch |")
    print("|---|---|---|")
    for name, median in each.items():
        print(f"| {name} | {median:.1f} | {median / single:.2f} |")


if __name__ == "__main__":
    main()

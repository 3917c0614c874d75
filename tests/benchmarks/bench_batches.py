"""Would pre-annotation be quicker if the image stream saw several pictures at once?

    python -m tests.benchmarks.bench_batches [--side 448] [--batches 1,2,4] [--rounds 15]

First how far masks made together are from those made alone. Then milliseconds of one core a picture, medians;
each round runs every batch and a whole mask, now the one first, now the other, so that other work on the
machine meets all. A whole mask is what `click99 preannotate` computes for a picture's first point: image
stream, click, closer looks.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch

from click99.segmentation.click_maps import click_maps
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


@torch.inference_mode()
def masks(predictor: Predictor, pixels: torch.Tensor, numbers: range) -> torch.Tensor:
    """Of these pictures, after two clicks on each: alpha [B, 1, H, W]."""
    network, (height, width) = predictor.network, pixels.shape[-2:]
    placed = [[(40.0 + 50 * k, 60.0 + 40 * k, True), (30.0, 200.0, False)] for k in numbers]
    maps = click_maps(placed, height, width, network.config.click_encoding, predictor.device)
    features = network.encode(pixels[numbers.start : numbers.stop])
    return network(features, maps, torch.zeros(len(numbers), 1, height, width)).alpha


def tell_differences(predictor: Predictor, pixels: torch.Tensor) -> None:
    """Of masks made together from those made alone."""
    together = masks(predictor, pixels, range(len(pixels)))
    alone = torch.cat([masks(predictor, pixels, range(k, k + 1)) for k in range(len(pixels))])
    differing, most = (together != alone).float().mean(), (together - alone).abs().max()
    print(f"masks of {len(pixels)} at once differ in {differing:.1%} of their pixels, by {most:.1e} at most")


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
        tell_differences(predictor, pixels)
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

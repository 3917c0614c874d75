"""How long a click takes beside others' networks on this machine, idle and beside another program.

    python -m tests.benchmarks.bench_peers [--threads 2] [--rounds 12]

The networks alone, warm, without HTTP: click99's shipped one on a picture that it has not seen, and on one
that was clicked before; the others with random weights, as their programs run them: RITM's at 448 pixels, as
click99's, FocalClick's twice at 256, MobileSAM's encoder at 1024, whose features Label Studio's example keeps
for one picture. They take turns, so that other work on the machine meets all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from itertools import count

import numpy as np
import torch

from click99.segmentation.device import use_threads
from click99.segmentation.predictor import Predictor
from tests.benchmarks.bench_click import CLICKS, picture
from tests.benchmarks.bench_engines import busy
from tests.benchmarks.peers import PEERS, MobileSam
from tests.benchmarks.turns import medians

Run = Callable[[], object]


def own() -> dict[str, Run]:
    """The shipped network's clicks on a picture of 640 × 480."""
    predictor, image, numbers = Predictor.load(device="cpu"), picture(), count()
    mask = predictor.refine(image, CLICKS[:1], None, "known")

    def first() -> np.ndarray:
        return predictor.refine(image, CLICKS[:1], None, f"new {next(numbers)}")

    def later() -> np.ndarray:
        return predictor.refine(image, CLICKS[:3], mask, "known")

    return {"click99, a picture's first click": first, "click99, later clicks": later}


def others() -> dict[str, Run]:
    found: dict[str, Run] = {}
    for name, peer in PEERS.items():
        network = peer.make().eval()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        x = torch.rand(1, *peer.shape).contiguous(memory_format=torch.channels_last)
        if isinstance(network, MobileSam):
            features = network.encoder(x).detach()
            found[f"{name}, a picture's first click"] = partial(network, x)
            found[f"{name}, later clicks"] = partial(network.decode, features)
        else:
            found[name] = partial(network, x)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    use_threads(options.threads)
    runs = own() | others()
    found = []
    for beside in (nullcontext(), busy(options.threads)):
        with beside, torch.inference_mode():
            found.append(medians(runs, options.rounds))
    print("| a click of | idle, ms | beside another program, ms | idle, times click99's later clicks |")
    for name in runs:
        idle, beside = (each[name] for each in found)
        print(f"| {name} | {idle:.0f} | {beside:.0f} | {idle / found[0]['click99, later clicks']:.1f} |")


if __name__ == "__main__":
    main()

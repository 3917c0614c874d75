"""What training's data costs beside its network, and how long the network waits for it.

    python tests/benchmarks/bench_training_data.py --data DATA [--dataset manifest] [--preset compact]
        [--recipe compact] [--side 160] [--batch 8] [--batches 20] [--threads 2]

Trains a few batches as `click99 train` does, crops made by one worker process. The first batches, which wait
for the worker to start, are not counted.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from click99.segmentation.network import TwoStreamNetwork
from click99_training.datasets.crops import CropStream
from click99_training.datasets.registry import open_dataset
from click99_training.loop.batch import Batch
from click99_training.loop.cpu import keep_freed_memory
from click99_training.loop.trainer import Trainer
from click99_training.loop.variants import configured

WARM = 3  # batches
HELP = argparse.RawDescriptionHelpFormatter


def crop_ms(stream: CropStream, side: int, crops: int) -> float:
    """Processor time of one crop, in milliseconds."""
    start = time.process_time()
    for k in range(crops):
        stream[(k, side)]
    return 1000 * (time.process_time() - start) / crops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HELP)
    parser.add_argument("--data", type=Path, required=True)
    for name, default in (("dataset", "manifest"), ("preset", "compact"), ("recipe", "")):
        parser.add_argument(f"--{name}", default=default)
    for name, default in (("side", 160), ("batch", 8), ("batches", 20), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    keep_freed_memory()
    torch.set_flush_denormal(True)
    torch.set_num_threads(asked.threads)
    network, recipe = configured(asked.preset, asked.recipe, "")
    stream = CropStream(open_dataset(asked.dataset, asked.data, "train"), recipe, seed=0)
    print(f"one {asked.side}² crop: {crop_ms(stream, asked.side, 60):.1f} ms of one core")
    trainer = Trainer(TwoStreamNetwork(network), recipe)
    waited, trained = timed(trainer, stream, asked.side, asked.batch, asked.batches)
    print(f"training on it, {recipe.clicks} clicks: {1000 * trained / asked.batch / asked.batches:.1f} ms")
    print(f"waiting for data: {waited / (waited + trained):.1%} of the time")


def timed(trainer: Trainer, stream: CropStream, side: int, batch: int, batches: int) -> tuple[float, float]:
    """Seconds spent waiting for crops, and training on them."""
    keys = [[(batch * k + i, side) for i in range(batch)] for k in range(WARM + batches)]
    loader = iter(DataLoader(stream, batch_sampler=keys, num_workers=1, prefetch_factor=4, collate_fn=list))
    waited = trained = 0.0
    for k, key in enumerate(keys):
        start = time.perf_counter()
        samples = next(loader)
        got = time.perf_counter()
        trainer.set_rate(k / len(keys))
        trainer.train(Batch.start(samples, [(0, index) for index, _ in key], trainer.recipe))
        if k >= WARM:
            waited, trained = waited + got - start, trained + time.perf_counter() - got
    return waited, trained


if __name__ == "__main__":
    main()

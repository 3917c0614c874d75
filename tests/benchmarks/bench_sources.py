"""Which sources of photos help on which held-out pictures, to the first order.

    python -m tests.benchmarks.bench_sources DATA DOMAINS [--batches 12] [--targets 48] [--sources ecssd,pug]

The gradient of a source's crops (two clicks each, by the training's own steps, which are not taken) times the
gradient over crops of the validation split: everyday photos with the object large, and small, and every
source of DOMAINS alike. Both are cut to a norm of one, as in training, and whitened by the targets'
gradients' size in each parameter. 1 is what a photo of the mix brings; ±: a standard error of the batches.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from click99.segmentation.checkpoint import SHIPPED, load_checkpoint
from click99_training.datasets.crops import CropStream
from click99_training.datasets.manifest import ManifestDataset
from click99_training.loop.batch import Batch
from click99_training.loop.trainer import Trainer
from click99_training.recipes import RECIPES, Recipe

NONE = dict.fromkeys(("mosaic", "shapes", "inverted", "composite", "maps", "saved", "close"), 0.0)
PLAIN = replace(
    RECIPES["compact-endless"], clicks=2, nearly_right=0.0, quality_weight=0.0, average=0.0, **NONE
)
SIDE, BATCH = 160, 8


class Gradients(Trainer):
    """Takes no step, so that gradients of a batch's clicks add up."""

    def _step(self, name: str) -> None:
        pass

    def of(self, data: ManifestDataset, recipe: Recipe, count: int, seed: int) -> Iterator[Tensor]:
        """Of so many batches: [P] each, of a norm of at most one."""
        self.recipe = recipe
        crops = CropStream(data, recipe, seed)
        for k in range(count):
            keys = range(k * BATCH, (k + 1) * BATCH)
            self.network.zero_grad()
            self.train(Batch.start([crops[key, SIDE] for key in keys], [(seed, key) for key in keys], recipe))
            known = [p.grad for p in self.network.parameters()]
            whole = torch.cat([grad.flatten() for grad in known if grad is not None])
            yield whole / whole.norm().clamp_min(1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("domains", type=Path)
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--targets", type=int, default=48)
    parser.add_argument("--sources", default="")
    options = parser.parse_args()
    torch.manual_seed(0)
    gradients = Gradients(load_checkpoint(SHIPPED), PLAIN)
    wanted = whitened(gradients, options.data, options.domains, options.targets)
    folders = [ManifestDataset(folder, "train") for folder in (options.data, options.domains)]
    asked = [name for name in options.sources.split(",") if name]
    mix = [found(gradients, data, options.batches, wanted) for data in folders]
    unit = np.concatenate(mix).mean(0)
    print("source", *wanted, sep="  ")
    for data in folders:
        for source in asked or sorted({entry.source for entry in data.photos}):
            if photos := [entry for entry in data.photos if entry.source == source]:
                values = found(gradients, of(data, photos), options.batches, wanted) / unit
                errors = values.std(0) / np.sqrt(len(values))
                told = (f"{m:.2f} ± {e:.2f}" for m, e in zip(values.mean(0), errors, strict=True))
                print(source, *told, sep="  ", flush=True)


def whitened(gradients: Gradients, everyday: Path, domains: Path, count: int) -> dict[str, Tensor]:
    """What is asked for, divided twice by the size of its gradients: [P] each."""
    photos, others = ManifestDataset(everyday, "val"), ManifestDataset(domains, "val")
    targets = {
        "large": (photos, replace(PLAIN, object_scale=(0.9, 4.0))),
        "small": (photos, replace(PLAIN, object_scale=(6.0, 16.0))),
        "domains": (others, replace(PLAIN, balance=1.0)),
    }
    means, squares = {}, torch.zeros(())
    for name, (data, recipe) in targets.items():
        all_of_it = torch.stack([*gradients.of(data, recipe, count, seed=5)])
        means[name] = all_of_it.mean(0)
        squares = squares + all_of_it.square().mean(0) / len(targets)
    size = squares.sqrt()
    return {name: mean / (size + size.mean()).square() for name, mean in means.items()}


def found(gradients: Gradients, data: ManifestDataset, count: int, wanted: dict[str, Tensor]) -> np.ndarray:
    """Of each batch what it brings to each target: [count, targets]."""
    batches = gradients.of(data, PLAIN, count, seed=9)
    return np.array([[float(batch @ target) for target in wanted.values()] for batch in batches])


def of(data: ManifestDataset, photos: list) -> ManifestDataset:
    """The same data with these photos alone."""
    some = copy(data)
    some.photos, some.running = photos, {}
    return some


if __name__ == "__main__":
    main()

"""The reproducible stream of training crops: crop k is the same whenever it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Dataset

from training.datasets.manifest import ManifestDataset
from training.datasets.sample import Sample, crop_around_object, flip, recolour
from training.presets import Recipe

FEWEST_PIXELS = 100  # of the object in the crop


class CropStream(Dataset):
    """Crops by (index, side). The index seeds everything random about the crop."""

    def __init__(self, data: ManifestDataset, recipe: Recipe, seed: int):
        self.data, self.recipe, self.seed = data, recipe, seed

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        index, side = key
        rng = np.random.default_rng((self.seed, index))
        while True:
            composited = bool(self.data.cutouts) and rng.random() < self.recipe.composite
            sample = self.data.composited(rng) if composited else self.data.photo(rng)
            if not sample.truth.any():
                continue
            sample = crop_around_object(sample, side, self.recipe.object_scale, rng)
            if FEWEST_PIXELS <= sample.truth.sum() <= 0.97 * side * side:
                break
        sample = flip(sample) if rng.random() < 0.5 else sample
        return Sample(sample.name, recolour(sample.image, rng), sample.truth, sample.void)


def batches(recipe: Recipe, images: int, start: int = 0) -> Iterator[list[tuple[int, int]]]:
    """The (index, side) keys of every batch from image `start` to `images`, by the crop schedule."""
    index, until = 0, 0.0
    for side, batch, share in recipe.crops:
        until += share * images
        while index < round(until):
            if index >= start:
                yield [(k, side) for k in range(index, index + batch)]
            index += batch

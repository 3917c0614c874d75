"""The reproducible stream of training crops: crop k is the same whenever it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from torch.utils.data import Dataset

from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.sample import Sample, crop_around_object, flip, inverted, recolour
from click99_training.datasets.shapes import with_shapes
from click99_training.datasets.skipped_samples import SkippedSamples
from click99_training.recipes import Recipe

FEWEST_PIXELS = 100  # of the object in the crop
LARGEST_SHARE = 0.97  # of the crop that the object may cover
SMALLEST_INVERTED = 0.05  # share of the image that is left out where all else is asked for
TRIES = 100  # samples drawn for one crop


class CropStream(Dataset):
    """Crops by (index, side). The index seeds everything random about the crop.

    Samples that cannot be used are drawn again and noted in `skipped`; ValueError where that never ends.
    """

    def __init__(self, data: SampleDataset, recipe: Recipe, seed: int, skipped: SkippedSamples | None = None):
        self.data, self.recipe, self.seed = data, recipe, seed
        self.skipped = skipped or SkippedSamples()

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        index, side = key
        rng = np.random.default_rng((self.seed, index))
        for _ in range(TRIES):
            try:
                crop = self._crop(side, rng)
            except SampleError as bad:
                self.skipped.add(bad)
                continue
            if crop is not None:
                crop = flip(crop) if rng.random() < 0.5 else crop
                return replace(crop, image=recolour(crop.image, rng))
        raise ValueError(f"{TRIES} samples in a row cannot be trained on. {self.skipped}")

    def _crop(self, side: int, rng: np.random.Generator) -> Sample | None:
        """A crop of a random sample; None where too little or nothing else than the object is in it."""
        drawn = self.recipe.shapes and rng.random() < self.recipe.shapes
        sample = self.data.draw(rng, self.recipe)
        sample = with_shapes(sample.image, rng) if drawn else sample
        if not sample.truth.any():
            return None  # one foreground of a composite hides the other
        if is_inverted(sample, self.recipe.inverted, rng):
            sample = inverted(sample)
        close = self.recipe.close and rng.random() < self.recipe.close
        scale = self.recipe.close_scale if close else self.recipe.object_scale
        crop = crop_around_object(sample, side, scale, rng)
        if FEWEST_PIXELS <= crop.truth.sum() <= LARGEST_SHARE * side * side:
            return crop
        if drawn:
            return None
        if sample.truth.mean() > LARGEST_SHARE:
            raise SampleError(sample.name, "the object fills the whole image")
        if sample.truth.sum() < FEWEST_PIXELS:
            raise SampleError(sample.name, f"the object has only {sample.truth.sum()} pixels")
        return None


def is_inverted(sample: Sample, share: float, rng: np.random.Generator) -> bool:
    """Whether all but the object is asked for, in that share of the samples.

    Never around a small object, which would leave all of the image, nor where nothing is left.
    """
    if not share or rng.random() >= share:
        return False
    left = 1 - (sample.truth | sample.void).mean()
    return bool(sample.truth.mean() > SMALLEST_INVERTED and left > 1 - LARGEST_SHARE)


def batches(recipe: Recipe, images: int, start: int = 0) -> Iterator[list[tuple[int, int]]]:
    """The (index, side) keys of every batch from image `start` to `images`, by the crop schedule."""
    index, until = 0, 0.0
    for side, batch, share in recipe.crops:
        until += share * images
        while index < round(until):
            if index >= start:
                yield [(k, side) for k in range(index, index + batch)]
            index += batch

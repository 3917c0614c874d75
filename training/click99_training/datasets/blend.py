"""New data with old, so that what is learnt from the new does not cost the old."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.sample import Sample
from click99_training.recipes import Recipe

ANYWHERE = 0.6  # share of the old images that are clicked anywhere, whether there is an object or not
SIZES = (0.1, 0.6)  # of a place anywhere, of the image's side


class Blend(SampleDataset):
    """Draws from `old` in the given share, to be taught, else from `new`, whose samples it numbers."""

    def __init__(self, new: SampleDataset, old: SampleDataset, share: float):
        self.new, self.old, self.share = new, old, share

    def __len__(self) -> int:
        return len(self.new)

    def __getitem__(self, k: int) -> Sample:
        return self.new[k]

    def draw(self, rng: np.random.Generator, recipe: Recipe) -> Sample:
        if rng.random() >= self.share:
            return self.new.draw(rng, recipe)
        sample = replace(self.old.draw(rng, recipe), taught=True)
        return anywhere(sample, rng) if rng.random() < ANYWHERE else sample


def anywhere(sample: Sample, rng: np.random.Generator) -> Sample:
    """The image with a random ellipse to click in, instead of an object."""
    height, width = sample.truth.shape
    place = np.zeros((height, width), np.uint8)
    centre = int(rng.integers(width)), int(rng.integers(height))
    axes = [max(3, round(side * rng.uniform(*SIZES) / 2)) for side in (width, height)]
    cv2.ellipse(place, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    return Sample(sample.name, sample.image, place > 0, np.zeros((height, width), bool), taught=True)

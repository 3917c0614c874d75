"""New data with old, so that what is learnt from the new does not cost the old."""

from __future__ import annotations

import numpy as np

from training.datasets.dataset import SampleDataset
from training.datasets.sample import Sample
from training.presets import Recipe


class Blend(SampleDataset):
    """Draws from `old` in the given share, else from `new`, whose samples it numbers."""

    def __init__(self, new: SampleDataset, old: SampleDataset, share: float):
        self.new, self.old, self.share = new, old, share

    def __len__(self) -> int:
        return len(self.new)

    def __getitem__(self, k: int) -> Sample:
        return self.new[k]

    def draw(self, rng: np.random.Generator, recipe: Recipe) -> Sample:
        return (self.old if rng.random() < self.share else self.new).draw(rng, recipe)

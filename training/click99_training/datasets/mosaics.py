"""Mosaics: a photo among others in one picture, so that its object is small and one of many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from click99.segmentation.views import scale
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.sample import Sample, resize

SMALLEST_TILE = 48  # pixels, of the shorter side


def mosaic(
    sample: Sample, cells: int, draw: Callable[[], np.ndarray], rng: np.random.Generator, long_side: int = 0
) -> Sample:
    """The sample in a random cell of cells × cells photos.

    Args:
        draw: gives the other photos, uint8 RGB; each is stretched to the sample's shape.
        long_side: of the mosaic in pixels, if it is to be no longer; 0 = as long as its photos make it.
    """
    sample = _shrunk(sample, long_side / cells if long_side else np.inf)
    rows, columns = sample.truth.shape
    row, column = (int(k) for k in rng.integers(cells, size=2))
    own = row * cells + column
    tiles = (sample.image if k == own else draw() for k in range(cells * cells))
    photos = [scale(tile, (rows, columns), cv2.INTER_LINEAR) for tile in tiles]
    picture = np.vstack([np.hstack(photos[k : k + cells]) for k in range(0, len(photos), cells)])
    top, left = row * rows, column * columns
    margins = ((top, picture.shape[0] - rows - top), (left, picture.shape[1] - columns - left))
    known = {
        name: None if part is None else np.pad(part, margins)
        for name in ("truth", "void", "alpha", "others", "start")
        for part in (getattr(sample, name),)
    }
    moved = tuple(replace(click, x=click.x + left, y=click.y + top) for click in sample.clicks)
    return replace(sample, image=picture, clicks=moved, **known)


class Mosaics(SampleDataset):
    """Every sample of another data set in a mosaic of its photos, at their own size; the same every time."""

    def __init__(self, data: SampleDataset, cells: int):
        """ValueError: fewer than two cells a side make no mosaic."""
        if cells < 2:
            raise ValueError(f"a mosaic of {cells} × {cells} photos is none: ask for 2 or more")
        self.data, self.cells = data, cells

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, k: int) -> Sample:
        rng = np.random.default_rng((self.cells, k))

        def another() -> np.ndarray:
            return self.data[int(k + rng.integers(1, max(2, len(self.data)))) % len(self.data)].image

        return mosaic(self.data[k], self.cells, another, rng)


def _shrunk(sample: Sample, long_side: float) -> Sample:
    height, width = sample.truth.shape
    factor = long_side / max(height, width)
    if factor >= 1:
        return sample
    return resize(sample, *(max(SMALLEST_TILE, round(side * factor)) for side in (height, width)))

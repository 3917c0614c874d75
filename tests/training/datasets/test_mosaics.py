"""Mosaics keep the object, and put photos all around it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from click99.segmentation.clicks import Click
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.mosaics import Mosaics, mosaic
from click99_training.datasets.sample import Sample
from tests.training.samples import block


def black() -> np.ndarray:
    return np.zeros((10, 10, 3), np.uint8)


@pytest.mark.parametrize("cells", [2, 3, 5])
def test_the_object_is_in_one_cell_as_it_was(cells: int):
    sample = replace(block(), clicks=(Click(80, 40, True),))
    made = mosaic(sample, cells, black, np.random.default_rng(0))
    assert made.truth.shape == made.image.shape[:2] == (100 * cells, 150 * cells)
    assert made.truth.sum() == sample.truth.sum()
    ys, xs = np.nonzero(made.image.any(2))
    top, left = ys.min() // 100 * 100, xs.min() // 150 * 150
    np.testing.assert_array_equal(made.truth[top : top + 100, left : left + 150], sample.truth)
    np.testing.assert_array_equal(made.image[top : top + 100, left : left + 150], sample.image)
    assert made.clicks == (Click(80 + left, 40 + top, True),)


def test_every_cell_is_met():
    places = set()
    for seed in range(60):
        made = mosaic(block(), 2, black, np.random.default_rng(seed))
        ys, xs = np.nonzero(made.truth)
        places.add((ys.min() // 100, xs.min() // 150))
    assert len(places) == 4


def test_a_mosaic_is_shrunk_to_the_long_side_asked_for():
    made = mosaic(block(), 3, black, np.random.default_rng(0), long_side=300)
    assert max(made.truth.shape) == 300
    assert made.truth.sum() == pytest.approx(block().truth.sum() * (100 / 150) ** 2, rel=0.1)


class Numbered(SampleDataset):
    """Photos of one grey each, and a block in every one."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, k: int) -> Sample:
        return replace(block(), image=np.full((100, 150, 3), 40 * k + 20, np.uint8))


def test_a_data_set_of_mosaics_is_the_same_every_time_and_shows_other_photos():
    one, again = (Mosaics(Numbered(), 4)[2] for _ in range(2))
    np.testing.assert_array_equal(one.image, again.image)
    greys, counts = np.unique(one.image[::100, ::150, 0], return_counts=True)
    assert counts[greys == 100] == 1  # its own photo stands there once
    assert len(greys) > 2


def test_a_mosaic_of_one_photo_is_refused():
    with pytest.raises(ValueError, match="1 × 1"):
        Mosaics(Numbered(), 1)

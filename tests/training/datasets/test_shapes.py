"""Drawn shapes differ from what is around them, by colour or texture, and are where the truth says."""

from __future__ import annotations

import numpy as np
import pytest

from click99_training.datasets.shapes import DRAWN, LargePictures, with_shapes


@pytest.mark.parametrize("draw", DRAWN)
def test_every_kind_draws_something_inside_the_picture(draw):
    drawn = [draw(80, 120, np.random.default_rng(seed)) for seed in range(20)]
    assert all(each.shape == (80, 120) for each in drawn)
    assert sum(each.any() for each in drawn) >= 18


def test_the_last_shape_is_the_object_and_looks_unlike_what_it_lies_on():
    photo = np.full((100, 150, 3), 128, np.uint8)
    apart = []
    for seed in range(30):
        sample = with_shapes(photo, np.random.default_rng(seed))
        if 0 < sample.truth.sum() < sample.truth.size:
            inside, outside = sample.image[sample.truth].mean(0), sample.image[~sample.truth].mean(0)
            apart.append(np.abs(inside - outside).max())
    assert np.median(apart) > 20


def test_large_pictures_hold_marks_from_20_to_160_pixels():
    pictures = LargePictures(4, height=400, width=500)
    sides = []
    for sample in pictures:
        ys, xs = np.nonzero(sample.truth)
        sides.append(max(np.ptp(ys), np.ptp(xs)) + 1)
        inside, outside = sample.image[sample.truth].mean(0), sample.image[~sample.truth].mean(0)
        assert np.abs(inside - outside).max() > 40
    assert min(sides) <= 20
    assert max(sides) >= 120
    np.testing.assert_array_equal(pictures[2].image, LargePictures(4, height=400, width=500)[2].image)

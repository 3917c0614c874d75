"""A sample cropped, turned, scaled and recoloured stays one sample: clicks, void and start go along."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from click99_training.datasets.sample import crop_around_object, flip, inverted, recolour, resize
from tests.training.samples import block, marked


@pytest.mark.parametrize("seed", range(20))
def test_crops_hold_part_of_the_object_at_the_size_asked_for(seed: int):
    crop = crop_around_object(block(), 64, (0.6, 2.2), np.random.default_rng(seed))
    assert crop.image.shape == (64, 64, 3)
    assert crop.truth.any()


def test_flip_turns_image_and_truth_alike():
    turned = flip(block())
    np.testing.assert_array_equal(turned.image[:, ::-1], block().image)
    assert turned.truth[40, 40]


def test_resize_keeps_void_wherever_any_of_it_falls():
    some = block()
    some.void[0, 0] = True
    assert resize(some, 50, 75).void[0, 0]


def test_recolour_keeps_shape_and_moves_colours():
    image = block().image
    changed = recolour(image, np.random.default_rng(1))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert (changed != image).mean() > 0.5


def test_inverted_is_all_that_the_object_is_not():
    some = replace(block(), alpha=block().truth * np.float32(0.9))
    some.void[0] = True
    other = inverted(some)
    assert np.array_equal(other.truth, ~some.truth & ~some.void)
    assert other.alpha is not None
    np.testing.assert_allclose(other.alpha[40, 80], 0.1, atol=1e-6)


@given(st.integers(35, 85), st.integers(25, 65), st.integers(0, 1000))
def test_clicks_stay_on_what_they_were_made_on(x: int, y: int, seed: int):
    rng = np.random.default_rng(seed)
    crop = flip(crop_around_object(marked(x, y), 128, (1.0, 2.0), rng))
    assert crop.start is not None
    assert (crop.start != crop.truth).mean() < 0.02
    for click in crop.clicks:  # none where the crop left it out
        assert crop.image[click.y, click.x].max() > 127


def test_enlarging_keeps_every_click():
    (click,) = resize(marked(40, 50), 180, 240).clicks
    assert (click.x, click.y) == (81, 101)

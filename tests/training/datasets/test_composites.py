"""Objects over other backgrounds: nothing shows where alpha is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from click99_training.datasets.composites import Foreground, Sides, composed, composite, cut_sides
from click99_training.recipes import Mix


def test_composites_blend_by_alpha():
    foreground, background = np.full((30, 30, 3), 200, np.uint8), np.full((90, 120, 3), 50, np.uint8)
    alpha = np.zeros((30, 30), np.uint8)
    alpha[5:25, 5:25] = 255
    image, where = composite(foreground, alpha, background, np.random.default_rng(3))
    assert image.shape == (90, 120, 3)
    np.testing.assert_array_equal(image[where == 0], 50)
    assert where.max() == 1
    assert abs(image[where == 1].astype(int) - 50).min() > 20


RED, BLUE, GREEN = np.array([200, 40, 30]), np.array([20, 40, 210]), np.array([40, 160, 60])


@given(
    alpha=arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.integers(0, 255)),
    size=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    second=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_composite_is_the_background_wherever_alpha_is_nothing(
    alpha: np.ndarray, size: tuple[int, int], second: bool, seed: int
):
    rng = np.random.default_rng(seed)
    background = rng.integers(0, 256, (*size, 3), np.uint8)
    colours = rng.integers(0, 256, (*alpha.shape, 3), np.uint8)
    foregrounds = [Foreground("a", colours, alpha)] * (1 + second)
    sample = composed(foregrounds, background, Mix(second=1, together=1), rng)
    assert sample.image.shape == background.shape
    assert sample.alpha is not None
    assert 0 <= sample.alpha.min() <= sample.alpha.max() <= 1
    np.testing.assert_array_equal(sample.truth, sample.alpha > 0.5)
    nothing = sample.alpha == 0
    np.testing.assert_array_equal(sample.image[nothing], background[nothing])


@pytest.mark.parametrize("seed", range(6))
def test_what_a_photos_side_cut_off_stays_at_that_side(seed: int):
    alpha = np.zeros((30, 20), np.uint8)
    alpha[:20, 8:12], alpha[20:, 2:18] = 255, 255  # a bust
    rng, background = np.random.default_rng(seed), np.zeros((90, 120, 3), np.uint8)
    _, where = composite(np.full((30, 20, 3), 200, np.uint8), alpha, background, rng, flush=True)
    assert (where[-1] > 0.5).any()
    assert not (where[0] > 0.5).any()


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (np.s_[:, 3:9], Sides(top=True, bottom=True)),
        (np.s_[3:9, :6], Sides(left=True)),
        (np.s_[4:6, 11:12], Sides()),
    ],
)
def test_straight_sides_are_seen(area: tuple[slice, slice], expected: Sides):
    alpha = np.zeros((12, 12), np.uint8)
    alpha[area] = 255
    alpha[6, 11] = 255
    assert cut_sides(alpha) == expected


def foreground(name: str, colour: np.ndarray) -> Foreground:
    return Foreground(name, np.full((40, 40, 3), colour, np.uint8), np.full((40, 40), 255, np.uint8))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("together", [0.0, 1.0])
def test_a_second_foreground_is_part_of_the_object_or_in_its_way(
    monkeypatch: pytest.MonkeyPatch, seed: int, together: float
):
    monkeypatch.setattr("click99_training.datasets.composites.recolour", lambda image, rng: image)
    background = np.zeros((100, 140, 3), np.uint8)
    mix = Mix(second=1, together=together)
    sample = composed(
        [foreground("a", RED), foreground("b", BLUE)], background, mix, np.random.default_rng(seed)
    )
    red, blue = ((sample.image == colour).all(2) for colour in (RED, BLUE))
    assert blue.any()
    np.testing.assert_array_equal(sample.truth, (red | blue) if together else red)

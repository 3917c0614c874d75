"""What belongs to a cut-out, and which crumbs go."""

from __future__ import annotations

import numpy as np
import pytest

from click99.mattes import cleaned, matte
from click99.segmentation.clicks import Click

CRUMB, HOLE = (slice(2, 4), slice(2, 4)), (slice(20, 23), slice(20, 23))  # 4 and 9 pixels


@pytest.fixture
def alpha() -> np.ndarray:
    """A square of 900 pixels with a hole and a faint rim, and a crumb beside it: uint8 [48, 48]."""
    alpha = np.zeros((48, 48), np.uint8)
    alpha[9:41, 9:41] = 40
    alpha[10:40, 10:40] = 255
    alpha[HOLE] = 0
    alpha[CRUMB] = 200
    return alpha


def test_crumbs_and_holes_go(alpha: np.ndarray):
    kept = cleaned(alpha, [Click(15, 15, True)], 0.02)
    assert not kept[CRUMB].any()
    assert (kept[HOLE] == 255).all()
    assert kept[9, 9] == 40, "the rim stays soft"


def test_what_a_click_asked_for_stays(alpha: np.ndarray):
    kept = cleaned(alpha, [Click(15, 15, True), Click(2, 2, True), Click(21, 21, False)], 0.02)
    assert np.array_equal(kept, alpha)


@pytest.mark.parametrize(("smallest", "crumb", "hole"), [(0.0, 200, 0), (0.005, 0, 0), (0.02, 0, 255)])
def test_smaller_is_by_the_mask_s_area(alpha: np.ndarray, smallest: float, crumb: int, hole: int):
    kept = cleaned(alpha, [Click(15, 15, True)], smallest)
    assert (kept[2, 2], kept[21, 21]) == (crumb, hole)


def test_a_hole_around_a_crumb_is_one_hole(alpha: np.ndarray):
    alpha[HOLE] = 0
    alpha[21, 21] = 255
    assert (cleaned(alpha, [], 0.02)[HOLE] == 255).all()


def test_an_empty_mask_stays_empty():
    nothing = np.zeros((8, 8), np.uint8)
    assert not cleaned(nothing, [], 1.0).any()


def test_a_matte_is_steeper_and_inside_stays_inside(alpha: np.ndarray):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    made = matte(ramp, ramp > 127)
    assert np.array_equal(made > 127, ramp > 127)
    assert (np.diff(made[0].astype(int)) >= 0).all()
    assert (made[0, 60], made[0, 195]) == (0, 255)
    assert 0 < made[0, 110] < 110


def test_what_is_soft_elsewhere_is_no_part_of_a_matte(alpha: np.ndarray):
    alpha[9:41, 9] = alpha[45:47, 45:47] = 110
    made = matte(alpha, alpha > 127)
    assert made[20, 9] > 0
    assert made[2, 2] == 255, "a part of its own"
    assert not made[45:47, 45:47].any()

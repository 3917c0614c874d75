from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.segmentation.clicks import (
    Click,
    click_maps,
    depth,
    largest_wrong_region,
    robot_click,
)
from backend.segmentation.presets import ClickEncoding


def square(height: int, width: int, top: int, left: int, side: int) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_click_maps_follow_the_formula():
    maps = click_maps([(10, 20, True), (40, 5, False)], 48, 64)
    assert maps.shape == (6, 48, 64)
    for scale, background, foreground in zip((0.02, 0.08, 0.16), maps[:3], maps[3:], strict=True):
        sigma = scale * 352
        assert foreground[20, 10] == pytest.approx(1)
        assert foreground[20, 17] == pytest.approx(np.exp(-(7**2) / (2 * sigma**2)))
        assert background[8, 44] == pytest.approx(np.exp(-(3**2 + 4**2) / (2 * sigma**2)))


def test_the_nearest_click_of_a_sign_counts():
    both = click_maps([(10, 10, True), (30, 10, True)], 32, 48)
    alone = click_maps([(10, 10, True)], 32, 48), click_maps([(30, 10, True)], 32, 48)
    np.testing.assert_allclose(both, np.maximum(*alone), rtol=1e-6)


def test_a_sign_without_clicks_has_empty_maps():
    assert not click_maps([(3, 3, True)], 32, 32)[:3].any()
    assert not click_maps([], 32, 32).any()


@pytest.mark.parametrize(
    ("encoding", "at_click", "near", "far", "without"),
    [("distances", 0, 5 / 255, 1, 1), ("disks", 1, 1, 0, 0)],
)
def test_one_map_a_sign(encoding: ClickEncoding, at_click: float, near: float, far: float, without: float):
    maps = click_maps([(10, 20, True)], 32, 300, encoding)
    assert maps.shape == (2, 32, 300)
    assert maps.dtype == np.float32
    assert maps[1, [20, 23, 20], [10, 14, 290]] == pytest.approx([at_click, near, far])
    assert (maps[0] == without).all()


def test_no_denormal_numbers_slow_the_network():
    maps = click_maps([(0, 0, True)], 352, 352)[3:]
    assert maps.min() > np.finfo(np.float32).tiny


def test_the_robot_first_clicks_the_middle_of_the_object():
    truth = square(40, 60, 10, 20, 11)
    assert robot_click(truth, np.zeros_like(truth)) == Click(25, 15, True)


def test_the_robot_clicks_the_largest_wrong_region_with_its_sign():
    truth, prediction = square(60, 60, 5, 5, 9), square(60, 60, 30, 30, 21)
    assert robot_click(truth, prediction) == Click(40, 40, False)


def test_image_sides_count_as_border():
    truth = np.ones((21, 41), bool)
    click = robot_click(truth, np.zeros_like(truth))
    assert click is not None
    assert click.y == 10
    assert 10 <= click.x <= 30


def test_void_is_never_wrong():
    truth = square(40, 40, 5, 5, 20)
    void = truth.copy()
    assert largest_wrong_region(truth, np.zeros_like(truth), void) is None
    assert robot_click(truth, truth) is None


def test_diagonal_neighbours_are_one_region():
    truth = np.zeros((10, 10), bool)
    truth[[2, 3, 4], [2, 3, 4]] = True
    region = largest_wrong_region(truth, np.zeros_like(truth))
    assert region is not None
    assert region.sum() == 3


@given(st.integers(0, 2**32 - 1))
def test_lenient_clicks_stay_in_the_region_at_half_its_depth(seed: int):
    truth = square(50, 50, 8, 12, 25)
    click = robot_click(truth, np.zeros_like(truth), None, np.random.default_rng(seed))
    assert click is not None
    assert click.positive
    inside = depth(truth)
    assert inside[click.y, click.x] >= inside.max() / 2

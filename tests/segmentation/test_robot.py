from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt, label

from click99.segmentation.clicks import Click
from click99.segmentation.robot import (
    ROBOTS,
    depth,
    largest_wrong_region,
    paper_robot,
    ritm_robot,
    robot_click,
)

SEEDS = st.integers(0, 2**32 - 1)


def square(height: int, width: int, top: int, left: int, side: int) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def blobs(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    noise = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), 3)
    return noise > rng.uniform(-0.1, 0.1)


def scene(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, prediction and a little void."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(12, 50, 2)
    truth, prediction, void = (blobs(rng, height, width) for _ in range(3))
    return truth, prediction, void & (rng.random((height, width)) < 0.5)


def exact_depth(region: np.ndarray) -> np.ndarray:
    return np.asarray(distance_transform_edt(np.pad(region, 1)))[1:-1, 1:-1]


def components(region: np.ndarray) -> np.ndarray:
    """Its parts, numbered from 1."""
    parts = np.zeros(region.shape, int)
    label(region, np.ones((3, 3)), output=parts)
    return parts


@given(SEEDS)
def test_depth_is_scipys_distance_transform(seed: int):
    region = scene(seed)[0]
    np.testing.assert_array_equal(depth(region), exact_depth(region).astype(np.float32))


@given(SEEDS)
def test_the_paper_clicks_where_scipy_finds_the_largest_region_deepest(seed: int):
    truth, prediction, void = scene(seed)
    correction = paper_robot(truth, prediction, void)
    assert correction is not None
    areas = []
    for wrong in (truth & ~prediction & ~void, ~truth & prediction & ~void):
        parts = components(wrong)
        areas += [int((parts == k).sum()) for k in range(1, parts.max() + 1)]
    region, click = correction.region, correction.click
    assert region.sum() == max(areas)
    assert components(region).max() == 1
    assert (truth[region] == click.positive).all()
    assert exact_depth(region)[click.y, click.x] == pytest.approx(exact_depth(region).max(), abs=1e-4)


@given(SEEDS)
def test_ritm_clicks_deepest_in_all_that_is_wrong_but_never_twice(seed: int):
    truth, prediction, void = scene(seed)
    missed, surplus = exact_depth(truth & ~prediction & ~void), exact_depth(~truth & prediction & ~void)
    clicks: list[Click] = []
    for _ in range(5):
        correction, deepest = ritm_robot(truth, prediction, void, clicks), max(missed.max(), surplus.max())
        assert (correction is not None) == (deepest > 0)  # fewer pixels than clicks may be wrong
        if correction is None:
            break
        click = correction.click
        assert click.positive == (missed.max() > surplus.max())
        assert (missed if click.positive else surplus)[click.y, click.x] == pytest.approx(deepest)
        assert correction.region[click.y, click.x]
        assert (truth[correction.region] == click.positive).all()
        missed[click.y, click.x] = surplus[click.y, click.x] = 0
        clicks.append(click)
    assert len({(click.x, click.y) for click in clicks}) == len(clicks)


def test_the_protocols_differ_where_the_largest_region_is_not_the_deepest():
    truth = np.zeros((60, 120), bool)
    truth[5:14, 5:115] = True  # long and thin: the largest
    truth[30:51, 30:51] = True  # compact: the deepest
    nothing = np.zeros_like(truth)
    thin, compact = paper_robot(truth, nothing), ritm_robot(truth, nothing)
    assert thin is not None
    assert compact is not None
    assert thin.click.y == 9
    assert compact.click == Click(40, 40, True)


@pytest.mark.parametrize("protocol", ROBOTS)
def test_void_is_never_wrong(protocol: str):
    truth = square(40, 40, 5, 5, 20)
    assert ROBOTS[protocol](truth, np.zeros_like(truth), truth) is None
    assert ROBOTS[protocol](truth, truth) is None


@pytest.mark.parametrize("protocol", ROBOTS)
@given(seed=SEEDS)
def test_lenient_clicks_are_at_least_half_as_deep_as_the_deepest(protocol: str, seed: int):
    truth = square(50, 50, 8, 12, 25)
    correction = ROBOTS[protocol](truth, np.zeros_like(truth), lenient=np.random.default_rng(seed))
    assert correction is not None
    assert correction.click.positive
    assert depth(truth)[correction.click.y, correction.click.x] >= depth(truth).max() / 2


def test_lenient_clicks_scatter():
    truth = square(50, 50, 8, 12, 25)
    rng = np.random.default_rng(0)
    assert len({robot_click(truth, np.zeros_like(truth), None, rng) for _ in range(20)}) > 10


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


def test_diagonal_neighbours_are_one_region():
    truth = np.zeros((10, 10), bool)
    truth[[2, 3, 4], [2, 3, 4]] = True
    region = largest_wrong_region(truth, np.zeros_like(truth))
    assert region is not None
    assert region.sum() == 3

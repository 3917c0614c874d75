from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco
from scipy import stats
from scipy.ndimage import distance_transform_cdt

from click99.segmentation.clicks import Click
from click99.segmentation.metrics import (
    auc,
    bootstrap_interval,
    boundary,
    boundary_iou,
    corrective_accuracy,
    harm,
    iou,
    noc,
    obedience,
    share_above,
)

IOUS = np.array([[0.5, 0.8, 0.95], [0.2, 0.3, 0.4], [0.92, 0.91, 0.99]])
SEEDS = st.integers(0, 2**32 - 1)


def masks(seed: int, count: int) -> np.ndarray:
    """Random masks of one random size: bool [count, H, W]."""
    rng = np.random.default_rng(seed)
    return rng.random((count, *rng.integers(2, 30, 2))) < rng.random()


@given(SEEDS)
def test_iou_is_that_of_pycocotools(seed: int):
    prediction, truth, void = masks(seed, 3)
    made, true = (coco.encode(np.asfortranarray(mask & ~void, np.uint8)) for mask in (prediction, truth))
    if ((prediction | truth) & ~void).any():
        assert iou(prediction, truth, void) == pytest.approx(np.ravel(coco.iou([made], [true], [False]))[0])


def test_two_empty_masks_agree():
    assert iou(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1
    assert boundary_iou(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1


@pytest.mark.parametrize("shape", [(20, 30), (90, 120), (150, 200)])
def test_the_boundary_is_as_wide_as_two_percent_of_the_diagonal(shape: tuple[int, int]):
    mask = np.zeros(shape, bool)
    mask[shape[0] // 4 :, 3:-3] = True  # touches the lower side
    width = max(1, round(0.02 * np.hypot(*shape)))
    chessboard = np.asarray(distance_transform_cdt(np.pad(mask, 1), "chessboard"))[1:-1, 1:-1]
    np.testing.assert_array_equal(boundary(mask), mask & (chessboard <= width))


def test_boundary_iou_sees_what_iou_forgives():
    truth = np.zeros((200, 200), bool)
    truth[20:180, 20:180] = True
    smaller = np.zeros_like(truth)
    smaller[24:176, 24:176] = True
    assert iou(smaller, truth) == pytest.approx(152**2 / 160**2)  # 0.90
    both = (160**2 - 148**2) - (160**2 - 152**2)  # the ring 6 px wide, less the 4 px that are missing
    either = 160**2 - (152 - 12) ** 2
    assert boundary_iou(smaller, truth) == pytest.approx(both / either)
    assert boundary_iou(truth, truth) == 1


def test_noc_counts_to_the_first_click_that_reaches_the_threshold():
    assert noc(IOUS, 0.9).tolist() == [3, 3, 1]
    assert noc(IOUS, 0.8).tolist() == [2, 3, 1]


def test_auc_is_per_image_and_of_a_constant_the_constant():
    np.testing.assert_allclose(auc(np.full((2, 20), 0.7)), [0.7, 0.7])
    np.testing.assert_allclose(auc(np.array([[0.0, 1.0], [0.5, 1.0]])), [0.5, 0.75])


@given(SEEDS)
def test_the_mean_auc_is_the_area_under_the_mean(seed: int):
    ious = np.random.default_rng(seed).random((7, 20))
    assert auc(ious).mean() == pytest.approx(np.trapezoid(ious.mean(0)) / 19)


def test_the_bootstrap_interval_is_scipys():
    values = np.random.default_rng(3).beta(8, 1, 60)
    low, high = bootstrap_interval(values)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=5000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert low == pytest.approx(expected.low, abs=0.003)
    assert high == pytest.approx(expected.high, abs=0.003)
    assert bootstrap_interval(values) == (low, high)


def test_share_above_is_per_click():
    np.testing.assert_allclose(share_above(IOUS, 0.9), [1 / 3, 1 / 3, 2 / 3])


def test_corrective_accuracy_is_the_share_of_the_region_now_right():
    truth, prediction, region = np.zeros((3, 4, 4), bool)
    truth[:2], region[:2], prediction[0] = True, True, True
    assert corrective_accuracy(region, prediction, truth) == 0.5


def test_harm_is_the_share_of_right_pixels_turned_wrong():
    before, after, truth, void = np.zeros((4, 4, 4), bool)
    truth[:2], before[0], after[1] = (
        True,
        True,
        True,
    )  # row 0 turned wrong, row 1 right; rows 2 and 3 were right
    assert harm(before, after, truth) == pytest.approx(4 / 12)
    void[0, :2] = True
    assert harm(before, after, truth, void) == pytest.approx(2 / 10)


@given(SEEDS)
def test_a_mask_that_stays_harms_nothing_and_a_perfect_one_neither(seed: int):
    before, truth = masks(seed, 2)
    assert harm(before, before, truth) == harm(before, truth, truth) == 0


def disc(x: int, y: int) -> np.ndarray:
    rows, columns = np.ogrid[:20, :20]
    return (rows - y) ** 2 + (columns - x) ** 2 <= 9


@pytest.mark.parametrize(
    ("clicks", "prediction", "pixels", "discs"),
    [
        ([Click(10, 10, True)], disc(10, 10), 1, 1),
        ([Click(10, 10, True)], ~disc(10, 10), 0, 0),
        ([Click(10, 10, False)], disc(13, 10) & ~disc(10, 10), 1, 1),
        ([Click(0, 0, True)], disc(0, 0), 1, 1),
        ([Click(4, 4, True), Click(12, 12, False)], disc(12, 12), 0, 0),
        ([Click(4, 4, True), Click(12, 12, False)], disc(4, 4) | disc(12, 12), 0.5, 0.5),
    ],
)
def test_obedience_is_the_share_of_asked_pixels(
    clicks: Sequence[Click], prediction: np.ndarray, pixels: float, discs: float
):
    assert obedience(prediction, clicks, radius=0) == pixels
    assert obedience(prediction, clicks) == discs


def test_between_opposite_clicks_only_the_clicked_pixels_count():
    clicks = [Click(8, 8, True), Click(9, 8, False)]
    prediction = disc(8, 8)
    prediction[8, 9] = False
    prediction[disc(9, 8) & ~disc(8, 8)] = False
    assert obedience(prediction, clicks) == 1
    prediction[8, 9] = True
    assert obedience(prediction, clicks) < 1

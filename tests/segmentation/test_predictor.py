from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.segmentation.clicks import Click
from backend.segmentation.network import ImageFeatures
from backend.segmentation.predictor import (
    Box,
    FeatureCache,
    Predictor,
    Zoom,
    feature_bytes,
    focus,
    network_size,
    obey,
)

CLICKS = [Click(30, 20, True), Click(50, 40, False), Click(10, 5, True)]


def picture(height: int = 60, width: int = 90, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def replay(predictor: Predictor, image: np.ndarray, clicks: list[Click], key: str = "image") -> np.ndarray:
    alpha = None
    for k in range(len(clicks)):
        alpha = predictor.refine(image, clicks[: k + 1], alpha, key)
    assert alpha is not None
    return alpha


@pytest.mark.parametrize("shape", [(60, 90), (1, 1), (7, 400), (333, 5), (64, 64)])
def test_alpha_has_the_image_size_and_is_quantised(untrained: Predictor, shape: tuple[int, int]):
    alpha = replay(
        untrained, picture(*shape), [Click(0, 0, True), Click(shape[1] - 1, shape[0] - 1, False)], str(shape)
    )
    assert alpha.shape == shape
    assert alpha.dtype == np.float32
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    np.testing.assert_array_equal((np.round(alpha * 255).astype(np.uint8) / np.float32(255)), alpha)


def test_replay_gives_the_same_mask_bit_for_bit(untrained: Predictor):
    image = picture()
    fresh = Predictor(untrained.network, "same", zoom=untrained.zoom)
    np.testing.assert_array_equal(replay(untrained, image, CLICKS), replay(fresh, image, CLICKS))


def test_warming_an_image_changes_nothing(untrained: Predictor):
    image = picture(seed=3)
    cold = replay(untrained, image, CLICKS, "cold")
    untrained.prepare(image, "warm")
    np.testing.assert_array_equal(replay(untrained, image, CLICKS, "warm"), cold)


def test_the_previous_mask_is_not_written_to(untrained: Predictor):
    previous = np.zeros((60, 90), np.float32)
    previous[10:30, 20:40] = 1
    before = previous.copy()
    untrained.refine(picture(), CLICKS[:1], previous, "image")
    np.testing.assert_array_equal(previous, before)


def test_clicked_pixels_have_the_clicked_sign(untrained: Predictor):
    alpha = replay(untrained, picture(), CLICKS)
    assert [bool(alpha[c.y, c.x] > 0.5) for c in CLICKS] == [c.positive for c in CLICKS]


def two_parts() -> np.ndarray:
    alpha = np.zeros((20, 20), np.float32)
    alpha[2:6, 2:6], alpha[10:15, 10:15] = 0.9, 0.8
    return alpha


def test_new_parts_without_a_positive_click_go():
    kept = obey(two_parts(), [Click(3, 3, True), Click(18, 18, False)], np.zeros((20, 20), np.float32))
    assert kept[2:6, 2:6].min() > 0.5
    assert not kept[10:15, 10:15].any()


def test_parts_that_a_click_cuts_off_stay():
    before = np.zeros((20, 20), np.float32)
    before[2:15, 2:15] = 1
    kept = obey(two_parts(), [Click(3, 3, True), Click(8, 8, False)], before)
    np.testing.assert_array_equal(kept > 0.5, two_parts() > 0.5)


def test_the_zoom_holds_mask_and_clicks_with_a_margin():
    mask = np.zeros((200, 320), np.float32)
    mask[50:100, 100:200] = 1
    box = focus(mask, [Click(210, 60, False)], Zoom(margin=0.2, grid=16))
    assert box.left <= 100 - 0.2 * 111
    assert box.right >= 211 + 0.2 * 111
    assert box.top <= 40
    assert box.bottom >= 110
    assert box.left % 20 == 0


def test_the_zoom_stays_inside_the_image():
    box = focus(np.ones((40, 60), np.float32), [Click(0, 0, True)], Zoom())
    assert box == Box(0, 0, 60, 40)


def test_a_near_mask_reuses_the_same_box():
    first, second = np.zeros((2, 200, 320), np.float32)
    first[50:100, 100:200] = 1
    second[51:99, 101:199] = 1
    click = [Click(150, 70, True)]
    assert focus(first, click, Zoom()) == focus(second, click, Zoom())


@pytest.mark.parametrize(
    ("height", "width", "side", "size"),
    [
        (480, 640, 448, (320, 448)),
        (640, 480, 448, (448, 320)),
        (1, 1000, 448, (32, 448)),
        (10, 10, 64, (64, 64)),
    ],
)
def test_network_sizes_are_multiples_of_32_of_the_same_shape(
    height: int, width: int, side: int, size: tuple[int, int]
):
    assert network_size(height, width, side) == size


def features(side: int) -> ImageFeatures:
    return ImageFeatures(torch.zeros(1, 3, side, side), [], torch.zeros(0))


def test_the_feature_cache_forgets_the_oldest_beyond_its_limit():
    cache = FeatureCache(limit=3 * feature_bytes(features(8)))
    for k in range(3):
        cache.put((k,), features(8))
    cache.get((0,))
    cache.put((3,), features(8))
    assert [cache.get((k,)) is not None for k in range(4)] == [True, False, True, True]
    assert cache.size <= cache.limit

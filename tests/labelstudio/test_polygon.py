"""Outlines of masks: exact without tolerance, within it otherwise, holes and parts in one ring."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from click99.labelstudio.polygon import fill, outline

masks = st.tuples(st.integers(1, 16), st.integers(1, 16)).flatmap(lambda shape: arrays(bool, shape))


def disc(radius: int, height: int = 120, width: int = 160, x: int = 80, y: int = 60) -> np.ndarray:
    rows, columns = np.ogrid[:height, :width]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


RING = disc(50) & ~disc(20)
PARTS = disc(20, x=30) | disc(25, x=110)


@given(masks)
def test_without_tolerance_the_outline_is_the_mask(mask: np.ndarray):
    points = outline(mask, 0)
    assert np.array_equal(fill(points, *mask.shape), mask)
    assert bool(points) == mask.any()


def test_a_bridge_through_pixel_centres_has_no_area():
    mask = np.zeros((10, 14), bool)
    mask[2, 3] = mask[8, 11] = True
    assert np.array_equal(fill(outline(mask, 0), 10, 14), mask)


@given(masks, st.floats(0, 5))
def test_an_object_always_has_an_outline_inside_the_image(mask: np.ndarray, tolerance: float):
    points = np.array(outline(mask, tolerance)).reshape(-1, 2)
    assert len(points) >= 3 or not mask.any()
    assert ((points >= 0) & (points <= 100)).all()


def test_a_square_has_its_corners():
    mask = np.zeros((50, 100), bool)
    mask[10:20, 30:60] = True
    assert sorted(outline(mask, 0.5)) == [[30, 20], [30, 40], [60, 20], [60, 40]]


SHAPES = {"disc": disc(50), "ring": RING, "parts": PARTS, "eye": RING | disc(8)}


@pytest.mark.parametrize("mask", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("tolerance", [1, 2, 4])
def test_the_outline_strays_no_further_than_the_tolerance(mask: np.ndarray, tolerance: float):
    points = outline(mask, tolerance)
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    wrong = fill(points, *mask.shape) != mask
    assert np.maximum(inside, outside)[wrong].max(initial=0) <= tolerance + 1
    assert len(points) < len(outline(mask, 0)) / 3


def test_holes_and_parts_narrower_than_the_tolerance_are_left_out():
    mask = disc(40)
    mask[60, 80] = False
    mask[2, 2] = True
    assert np.array_equal(fill(outline(mask, 0), *mask.shape), mask)
    simplified = fill(outline(mask, 2), *mask.shape)
    assert simplified[60, 80]
    assert not simplified[2, 2]


def test_a_polygon_drawn_by_hand_is_filled_as_the_browser_does():
    star = [[50, 0], [79, 90], [2, 35], [98, 35], [21, 90]]  # its middle lies inside, by the nonzero rule
    filled = fill(star, 100, 100)
    assert filled[50, 50]
    assert not filled[95, 50]
    assert fill([[-50, -50], [150, -50], [150, 150], [-50, 150]], 10, 10).all()
    assert not fill([], 10, 10).any()


@pytest.mark.slow("a large mask")
def test_noise_takes_no_time():
    noise = np.random.default_rng(0).random((200, 200)) < 0.5
    start = time.process_time()
    points = outline(noise, 0.5)
    assert time.process_time() - start < 10
    assert len(points) >= 3

"""Clicks, their maps, and the robot that makes them (Forte et al. 2020, sections 3.1 and 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

GAUSSIAN_LENGTH = 352  # L: the unit of the three scales, in network pixels
GAUSSIAN_SCALES = (0.02, 0.08, 0.16)  # s: standard deviation = s·L, so 7, 28 and 56 px
FAINTEST = -20.0  # exponent below which a Gaussian is level: 2e-9, where its tail would be denormal and slow


@dataclass(frozen=True)
class Click:
    """One click in image space: pixel column x, pixel row y (origin top left), and its sign."""

    x: int
    y: int
    positive: bool


def click_maps(clicks: Sequence[tuple[float, float, bool]], height: int, width: int) -> np.ndarray:
    """Six click maps: background at three scales, then foreground at three scales.

    Each is exp(−d² / 2(sL)²), d = distance in pixels to that sign's nearest click; zero without one.

    Args:
        clicks: (x, y, positive), in the pixels of the map; fractions allowed.

    Returns:
        float32 [6, height, width], values 0…1.
    """
    sigmas = [scale * GAUSSIAN_LENGTH for scale in GAUSSIAN_SCALES]
    maps = np.zeros((6, height, width), np.float32)
    for first, sign in ((0, False), (3, True)):
        points = [(x, y) for x, y, positive in clicks if positive is sign]
        if not points:
            continue
        squared = nearest_squared_distance(points, height, width)
        for k, sigma in enumerate(sigmas):
            np.exp(np.maximum(squared * (-0.5 / sigma**2), FAINTEST), out=maps[first + k])
    return maps


def nearest_squared_distance(points: Sequence[tuple[float, float]], height: int, width: int) -> np.ndarray:
    """Squared distance in pixels to the nearest of `points` (x, y): float32 [height, width]."""
    rows, columns = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    nearest = np.full((height, width), np.inf, np.float32)
    for x, y in points:
        distance = ((rows - y) ** 2)[:, None] + (columns - x) ** 2
        np.minimum(nearest, distance, out=nearest)
    return nearest


def largest_wrong_region(
    truth: np.ndarray, prediction: np.ndarray, void: np.ndarray | None = None
) -> np.ndarray | None:
    """The largest connected region (8-neighbours) where the prediction is wrong.

    Missed foreground and wrong foreground are separate regions; void pixels are never wrong.

    Args:
        truth, prediction, void: bool [H, W].

    Returns:
        bool [H, W], or None where nothing is wrong.
    """
    valid = np.ones_like(truth) if void is None else ~void
    largest, area = None, 0
    for wrong in (truth & ~prediction & valid, ~truth & prediction & valid):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8), connectivity=8)
        if count < 2:
            continue
        k = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        if stats[k, cv2.CC_STAT_AREA] > area:
            largest, area = labels == k, int(stats[k, cv2.CC_STAT_AREA])
    return largest


def depth(region: np.ndarray) -> np.ndarray:
    """Distance of a region's pixels to its border or the image's sides: float32 [H, W], 0 outside."""
    padded = np.pad(region.astype(np.uint8), 1)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]


def robot_click(
    truth: np.ndarray,
    prediction: np.ndarray,
    void: np.ndarray | None = None,
    lenient: np.random.Generator | None = None,
) -> Click | None:
    """A click in the largest wrong region, None where all is right; see `click_in` for where in it.

    Args:
        truth, prediction, void: bool [H, W].
    """
    region = largest_wrong_region(truth, prediction, void)
    return None if region is None else click_in(region, truth, lenient)


def click_in(region: np.ndarray, truth: np.ndarray, lenient: np.random.Generator | None = None) -> Click:
    """The paper's robot annotator: a click at the region's innermost pixel, with the truth's sign.

    With a generator it lands where people click: on a random pixel at least half as deep as the deepest.

    Args:
        region: bool [H, W], at least one pixel.
        truth: bool [H, W].
    """
    inside = depth(region)
    if lenient is None:
        y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    else:
        ys, xs = np.nonzero(inside >= 0.5 * inside.max())
        k = int(lenient.integers(len(ys)))
        y, x = ys[k], xs[k]
    return Click(int(x), int(y), bool(truth[y, x]))

"""Clicks and their maps (Forte et al. 2020, section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backend.segmentation.presets import ClickEncoding

GAUSSIAN_LENGTH = 352  # L: the unit of the three scales, in network pixels
GAUSSIAN_SCALES = (0.02, 0.08, 0.16)  # s: standard deviation = s·L, so 7, 28 and 56 px
FAINTEST = -20.0  # exponent below which a Gaussian is level: 2e-9, where its tail would be denormal and slow

FARTHEST = 255  # pixels: distance maps are level beyond (Xu et al. 2016)
DISK_RADIUS = 5  # pixels (Benenson et al. 2019)

DISC = 3  # pixels around a click that are surely meant, too


@dataclass(frozen=True)
class Click:
    """One click in image space: pixel column x, pixel row y (origin top left), and its sign."""

    x: int
    y: int
    positive: bool


def click_maps(
    clicks: Sequence[tuple[float, float, bool]],
    height: int,
    width: int,
    encoding: ClickEncoding = "gaussians",
) -> np.ndarray:
    """Click maps, the background's before the foreground's, of the distance d to the sign's nearest click.

    gaussians: three a sign, exp(−d² / 2(sL)²), finest first; zero without a click.
    distances: one a sign, min(d, 255) / 255; one without a click.
    disks: one a sign, 1 where d ≤ 5; zero without a click.

    Args:
        clicks: (x, y, positive), in the pixels of the map; fractions allowed.

    Returns:
        float32 [6 or 2, height, width], values 0…1.
    """
    encode = ENCODINGS[encoding]
    signs = [[(x, y) for x, y, positive in clicks if positive is sign] for sign in (False, True)]
    return np.concatenate([encode(nearest_squared_distance(points, height, width)) for points in signs])


def gaussians(squared: np.ndarray) -> np.ndarray:
    """Squared distances [H, W] → Gaussians at three scales [3, H, W]."""
    maps = np.zeros((3, *squared.shape), np.float32)
    if np.isfinite(squared[0, 0]):
        for k, scale in enumerate(GAUSSIAN_SCALES):
            factor = -0.5 / (scale * GAUSSIAN_LENGTH) ** 2
            np.exp(np.maximum(squared * factor, FAINTEST), out=maps[k])
    return maps


def distances(squared: np.ndarray) -> np.ndarray:
    """Squared distances [H, W] → distances in units of 255 px, at most 1: [1, H, W]."""
    return np.minimum(np.sqrt(squared) / FARTHEST, 1)[None]


def disks(squared: np.ndarray) -> np.ndarray:
    """Squared distances [H, W] → 1 within 5 px, else 0: [1, H, W]."""
    return (squared <= DISK_RADIUS**2).astype(np.float32)[None]


ENCODINGS: dict[ClickEncoding, Callable[[np.ndarray], np.ndarray]] = {
    "gaussians": gaussians,
    "distances": distances,
    "disks": disks,
}


def nearest_squared_distance(points: Sequence[tuple[float, float]], height: int, width: int) -> np.ndarray:
    """Squared distance in pixels to the nearest of `points` (x, y): float32 [height, width], inf without."""
    rows, columns = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    nearest = np.full((height, width), np.inf, np.float32)
    for x, y in points:
        distance = ((rows - y) ** 2)[:, None] + (columns - x) ** 2
        np.minimum(nearest, distance, out=nearest)
    return nearest


def disc_offsets(radius: float) -> list[tuple[int, int]]:
    """(dx, dy) of the pixels within a radius of a pixel, the farthest first."""
    reach = range(-int(radius), int(radius) + 1)
    inside = [(dx, dy) for dy in reach for dx in reach if dx**2 + dy**2 <= radius**2]
    return sorted(inside, key=lambda offset: -(offset[0] ** 2 + offset[1] ** 2))

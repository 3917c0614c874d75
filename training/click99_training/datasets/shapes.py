"""Drawn shapes: objects that mean nothing, small or thin, which only their colour or texture tells apart.

Photos teach what things look like; these teach to follow whatever contrasts where somebody clicked.
"""

from __future__ import annotations

import cv2
import numpy as np

from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.sample import Sample

SIDES = (0.04, 0.5)  # of a shape over the picture's shorter side, log-uniform
DECOYS = 4  # at most, of other shapes around the object
PLAIN = 0.5  # share of the backgrounds that are no photo


def with_shapes(photo: np.ndarray, rng: np.random.Generator) -> Sample:
    """A photo, uint8 RGB [H, W, 3], or a noisy surface, with a few shapes; the last is the object."""
    height, width = photo.shape[:2]
    picture = _surface(height, width, rng) if rng.random() < PLAIN else photo.copy()
    truth = np.zeros((height, width), bool)
    for _ in range(int(rng.integers(1, DECOYS + 2))):
        truth = DRAWN[rng.integers(len(DRAWN))](height, width, rng)
        soft = cv2.GaussianBlur(truth.astype(np.float32), (0, 0), float(rng.uniform(0.4, 1.2)))[..., None]
        picture = (picture * (1 - soft) + _surface(height, width, rng) * soft).astype(np.uint8)
    return Sample("shapes", picture, truth, np.zeros_like(truth))


def ellipse(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    drawn, (x, y), side = _canvas(height, width, rng)
    axes = max(2, round(side / 2)), max(2, round(side / 2 * rng.uniform(0.4, 1)))
    cv2.ellipse(drawn, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    return drawn > 0


def polygon(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    drawn, centre, side = _canvas(height, width, rng)
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
    radii = side / 2 * rng.uniform(0.4, 1, len(angles))
    points = np.array(centre) + np.column_stack([np.cos(angles), np.sin(angles)]) * radii[:, None]
    cv2.fillPoly(drawn, [points.round().astype(np.int32)], 1)
    return drawn > 0


def stroke(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A thin crooked line, as cracks, roads and cables are."""
    drawn, start, side = _canvas(height, width, rng)
    turns = np.cumsum(rng.normal(0, 0.5, 24)) + rng.uniform(0, 2 * np.pi)
    steps = np.column_stack([np.cos(turns), np.sin(turns)]) * side / 6
    points = (np.array(start) + np.cumsum(steps, 0)).round().astype(np.int32)
    cv2.polylines(drawn, [points], False, 1, int(rng.integers(2, max(3, round(side / 10)) + 1)))
    return drawn > 0


DRAWN = (ellipse, polygon, stroke)


def _canvas(height: int, width: int, rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, int], float]:
    """Nothing drawn yet, a place in it, and the side of what comes there."""
    side = min(height, width) * float(np.exp(rng.uniform(*np.log(SIDES))))
    place = int(rng.integers(width)), int(rng.integers(height))
    return np.zeros((height, width), np.uint8), place, side


def _surface(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """One colour with a slope and noise of some grain: float32 [H, W, 3] in 0…255."""
    across, down = rng.uniform(-60, 60, (2, 3))
    x, y = np.linspace(-0.5, 0.5, width)[None, :, None], np.linspace(-0.5, 0.5, height)[:, None, None]
    grain = int(rng.integers(1, 9))
    noise = rng.standard_normal((height // grain + 1, width // grain + 1, 1)) * rng.uniform(0, 25)
    noise = cv2.resize(noise.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    return np.clip(rng.uniform(20, 235, 3) + across * x + down * y + noise, 0, 255).astype(np.float32)


class LargePictures(SampleDataset):
    """Single shapes of 20 to 160 px on a noisy surface of six megapixels; the same every time."""

    def __init__(self, count: int, height: int = 2000, width: int = 3000):
        self.count, self.shape = count, (height, width)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, k: int) -> Sample:
        rng = np.random.default_rng((99, k))
        side = round(20 * 8 ** (k / max(1, self.count - 1)))
        truth = np.zeros(self.shape, bool)
        top, left = (int(rng.integers(limit - side)) for limit in self.shape)
        truth[top : top + side, left : left + side] = _mark(side, k)
        behind = _surface(*self.shape, rng)
        contrast = np.where(behind.mean((0, 1)) > 128, -90, 90)
        picture = np.where(truth[..., None], np.clip(behind + contrast, 0, 255), behind).astype(np.uint8)
        return Sample(f"shape-{k}", picture, truth, np.zeros_like(truth))


def _mark(side: int, k: int) -> np.ndarray:
    """By turns a disc, a square and a blob that fill a square: bool [side, side]."""
    if k % 3 == 1:
        return np.ones((side, side), bool)
    y, x = np.ogrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    radius = 0.75 + 0.25 * np.cos(3 * np.arctan2(y, x) + k) if k % 3 == 2 else 1.0
    return np.hypot(x, y) <= radius

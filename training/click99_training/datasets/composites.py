"""Foregrounds with alpha, composited on the fly over random backgrounds (Forte et al. 2020, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from click99_training.datasets.sample import Sample, recolour
from click99_training.recipes import Mix

STRAIGHT = 1 / 3  # of a side
FIRST, SECOND = (0.35, 1.0), (0.2, 0.6)  # sizes of the foregrounds over the largest that fits


class Foreground(NamedTuple):
    """A foreground: its name, uint8 RGB [H, W, 3] and uint8 alpha [H, W]."""

    name: str
    colours: np.ndarray
    alpha: np.ndarray

    def trimmed(self, faintest: int) -> Foreground:
        """Without the empty sides, where alpha stays below `faintest`."""
        ys, xs = np.nonzero(self.alpha >= faintest)
        if not len(ys):
            return self
        area = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        return Foreground(self.name, self.colours[area], self.alpha[area])


def composed(
    foregrounds: Sequence[Foreground], background: np.ndarray, mix: Mix, rng: np.random.Generator
) -> Sample:
    """One or two foregrounds over a background, back to front.

    The first is the object, or both are (mix.together); the truth is alpha > 0.5, and the true alpha is kept.
    The second may hide the first altogether: then the truth is empty.
    """
    image, alpha = composite(foregrounds[0].colours, foregrounds[0].alpha, background, rng, FIRST, mix.flush)
    for foreground in foregrounds[1:]:
        together = rng.random() < mix.together
        image, front = composite(foreground.colours, foreground.alpha, image, rng, SECOND, mix.flush)
        alpha = 1 - (1 - alpha) * (1 - front) if together else alpha * (1 - front)
    return Sample(foregrounds[0].name, image, alpha > 0.5, np.zeros(alpha.shape, bool), alpha)


def composite(
    foreground: np.ndarray,
    alpha: np.ndarray,
    background: np.ndarray,
    rng: np.random.Generator,
    sizes: tuple[float, float] = FIRST,
    flush: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The foreground at a random size, place, side and colour over the background.

    Args:
        foreground, background: uint8 RGB [H, W, 3], of any two sizes.
        alpha: uint8 [H, W], the foreground's.
        sizes: between which its size is drawn, over the largest that fits.
        flush: put a side that is cut straight off (`cut_sides`) at that side of the background.

    Returns:
        uint8 RGB and float32 alpha in 0…1, both of the background's size.
    """
    height, width = background.shape[:2]
    fit = min(height / alpha.shape[0], width / alpha.shape[1]) * rng.uniform(*sizes)
    size = (max(8, round(alpha.shape[1] * fit)), max(8, round(alpha.shape[0] * fit)))
    foreground = recolour(cv2.resize(foreground, size, interpolation=cv2.INTER_AREA), rng)
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        foreground, alpha = foreground[:, ::-1], alpha[:, ::-1]
    sides = cut_sides(alpha) if flush else Sides()
    return _paste(foreground, alpha.astype(np.float32) / 255, background, sides, rng)


class Sides(NamedTuple):
    """Which sides of a foreground its photo has cut straight off."""

    top: bool = False
    bottom: bool = False
    left: bool = False
    right: bool = False


def cut_sides(alpha: np.ndarray) -> Sides:
    """The sides along which a foreground, uint8 alpha [H, W] without empty sides, is opaque for a third."""
    edges = alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]
    return Sides(*(bool((edge > 127).mean() > STRAIGHT) for edge in edges))


def _paste(
    foreground: np.ndarray, alpha: np.ndarray, background: np.ndarray, sides: Sides, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = (min(a, b) for a, b in zip(alpha.shape, background.shape[:2], strict=True))
    top = _start(background.shape[0] - rows, sides.top, sides.bottom, rng)
    left = _start(background.shape[1] - columns, sides.left, sides.right, rng)
    area = np.s_[top : top + rows, left : left + columns]
    image, whole = background.copy(), np.zeros(background.shape[:2], np.float32)
    part = np.repeat(alpha[:rows, :columns, None], 3, axis=2)  # much faster than broadcasting
    blend = foreground[:rows, :columns] * part + background[area] * (1 - part)
    image[area] = np.round(blend).astype(np.uint8)
    whole[area] = alpha[:rows, :columns]
    return image, whole


def _start(free: int, at_start: bool, at_end: bool, rng: np.random.Generator) -> int:
    """Where along an axis with `free` pixels to spare: anywhere, unless one end of the object is cut off."""
    anywhere = int(rng.integers(free + 1))
    return anywhere if at_start == at_end else free * at_end

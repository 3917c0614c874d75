"""Foregrounds with alpha, composited on the fly over random backgrounds (Forte et al. 2020, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from training.datasets.mix import Mix
from training.datasets.sample import Sample, recolour

FIRST, SECOND = (0.35, 1.0), (0.2, 0.6)  # sizes of the foregrounds over the largest that fits


class Layer(NamedTuple):
    """A foreground: its name, uint8 RGB [H, W, 3] and uint8 alpha [H, W]."""

    name: str
    colours: np.ndarray
    alpha: np.ndarray

    def trimmed(self, faintest: int) -> Layer:
        """Without the empty sides, where alpha stays below `faintest`."""
        ys, xs = np.nonzero(self.alpha >= faintest)
        if not len(ys):
            return self
        area = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        return Layer(self.name, self.colours[area], self.alpha[area])


def composed(layers: Sequence[Layer], background: np.ndarray, mix: Mix, rng: np.random.Generator) -> Sample:
    """One or two foregrounds over a background, back to front.

    The first is the object, or both are (mix.together); the truth is alpha > 0.5, and the true alpha is kept.
    The second may hide the first altogether: then the truth is empty.
    """
    image, alpha = composite(layers[0].colours, layers[0].alpha, background, rng)
    for layer in layers[1:]:
        together = rng.random() < mix.together
        image, front = composite(layer.colours, layer.alpha, image, rng, SECOND)
        alpha = 1 - (1 - alpha) * (1 - front) if together else alpha * (1 - front)
    return Sample(layers[0].name, image, alpha > 0.5, np.zeros(alpha.shape, bool), alpha)


def composite(
    foreground: np.ndarray,
    alpha: np.ndarray,
    background: np.ndarray,
    rng: np.random.Generator,
    sizes: tuple[float, float] = FIRST,
) -> tuple[np.ndarray, np.ndarray]:
    """The foreground at a random size, place, side and colour over the background.

    Args:
        foreground, background: uint8 RGB [H, W, 3], of any two sizes.
        alpha: uint8 [H, W], the foreground's.
        sizes: between which its size is drawn, over the largest that fits.

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
    return _paste(foreground, alpha.astype(np.float32) / 255, background, rng)


def _paste(
    foreground: np.ndarray, alpha: np.ndarray, background: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = (min(a, b) for a, b in zip(alpha.shape, background.shape[:2], strict=True))
    top = int(rng.integers(background.shape[0] - rows + 1))
    left = int(rng.integers(background.shape[1] - columns + 1))
    area = np.s_[top : top + rows, left : left + columns]
    image, whole = background.copy(), np.zeros(background.shape[:2], np.float32)
    part = alpha[:rows, :columns, None]
    blend = foreground[:rows, :columns] * part + background[area] * (1 - part)
    image[area] = np.round(blend).astype(np.uint8)
    whole[area] = alpha[:rows, :columns]
    return image, whole

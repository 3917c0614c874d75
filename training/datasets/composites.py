"""Foregrounds with alpha, composited on the fly over random backgrounds (Forte et al. 2020, section 4.2)."""

from __future__ import annotations

import cv2
import numpy as np

from training.datasets.sample import recolour


def composite(
    foreground: np.ndarray, alpha: np.ndarray, background: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The foreground at a random size, place, side and colour over the background.

    Args:
        foreground, background: uint8 RGB [H, W, 3], of any two sizes.
        alpha: uint8 [H, W], the foreground's.

    Returns:
        uint8 RGB and float32 alpha in 0…1, both of the background's size.
    """
    foreground, alpha = _object_only(foreground, alpha)
    height, width = background.shape[:2]
    fit = min(height / alpha.shape[0], width / alpha.shape[1]) * rng.uniform(0.35, 1.0)
    size = (max(8, round(alpha.shape[1] * fit)), max(8, round(alpha.shape[0] * fit)))
    foreground = recolour(cv2.resize(foreground, size, interpolation=cv2.INTER_AREA), rng)
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        foreground, alpha = foreground[:, ::-1], alpha[:, ::-1]
    return _paste(foreground, alpha.astype(np.float32) / 255, background, rng)


def _object_only(foreground: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ys, xs = np.nonzero(alpha > 127)
    if not len(ys):
        return foreground, alpha
    area = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    return foreground[area], alpha[area]


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

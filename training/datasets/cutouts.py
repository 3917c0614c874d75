"""Objects cut out of their images: colours that are the object's alone, and an alpha with a soft edge."""

from __future__ import annotations

import cv2
import numpy as np

from training.datasets.mix import FAINTEST

WIDE, NARROW = 90, 6  # pixels: the two windows of blur fusion
EDGE = 0.8  # pixels: deviation of the softened edge of a binary mask
MARGIN = 4  # pixels kept around the object


def cut_out(image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An object without its background, cropped to where it is.

    Args:
        image: uint8 RGB [H, W, 3].
        alpha: float32 [H, W] in 0…1, or bool: a binary mask, whose hard edge is softened.

    Returns:
        uint8 RGB [h, w, 3] and uint8 alpha [h, w]. The colours go on beyond the edge, so that no seam of the
        old background shows over a new one.
    """
    alpha = soft_edge(alpha) if alpha.dtype == bool else alpha
    area = _surroundings(alpha)
    image, alpha = image[area].astype(np.float32), alpha[area]
    return object_colours(image, alpha), np.round(255 * alpha).astype(np.uint8)


def soft_edge(mask: np.ndarray) -> np.ndarray:
    """A binary mask's edge as a lens would draw it, half a pixel further in: alpha float32 [H, W]."""
    inner = cv2.erode(mask.astype(np.float32), np.ones((2, 2)), borderValue=1.0)
    return cv2.GaussianBlur(inner, (0, 0), EDGE)


def object_colours(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Blur fusion (Forte 2021, "Approximate fast foreground colour estimation"), twice: wide, then narrow.

    With F̄ and B̄ the blurred colours of object and background, F = F̄ + α (I − α F̄ − (1 − α) B̄).

    Args:
        image: float32 RGB [H, W, 3] in 0…255. alpha: float32 [H, W] in 0…1.

    Returns:
        uint8 RGB [H, W, 3].
    """
    wide, behind, _ = _fused(image, image, image, alpha, WIDE)
    narrow, _, known = _fused(image, wide, behind, alpha, NARROW)
    colours = np.where(known > 1e-3, narrow, wide)  # further out the narrow window sees nothing of the object
    return np.round(np.clip(colours, 0, 255)).astype(np.uint8)


def _fused(
    image: np.ndarray, front: np.ndarray, behind: np.ndarray, alpha: np.ndarray, window: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One pass: the object's and the background's colours, and the blurred alpha [H, W, 1]."""
    a = alpha[..., None]
    size = (window, window)
    known = cv2.blur(alpha, size)[..., None]
    front = cv2.blur(front * a, size) / (known + 1e-5)
    behind = cv2.blur(behind * (1 - a), size) / (1 - known + 1e-5)
    return np.clip(front + a * (image - a * front - (1 - a) * behind), 0, 255), behind, known


def _surroundings(alpha: np.ndarray) -> tuple[slice, slice]:
    """Where the object is, with a margin."""
    ys, xs = np.nonzero(alpha * 255 >= FAINTEST)
    if not len(ys):
        return np.s_[:, :]
    top, left = max(0, ys.min() - MARGIN), max(0, xs.min() - MARGIN)
    return np.s_[top : ys.max() + 1 + MARGIN, left : xs.max() + 1 + MARGIN]

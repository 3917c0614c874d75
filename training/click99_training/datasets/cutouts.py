"""Objects cut out of their images: colours that are the object's alone, and an alpha with a soft edge."""

from __future__ import annotations

import cv2
import numpy as np

from click99_training.datasets.composites import Foreground
from click99_training.datasets.sample import Sample
from click99_training.recipes import FAINTEST

WIDE, NARROW = 90, 6  # pixels: the two windows of blur fusion
EDGE = 0.8  # pixels: deviation of the softened edge of a binary mask


def cut_out(sample: Sample) -> Foreground:
    """The sample's object without its background, cropped to where it is.

    Where only a binary truth is known, its hard edge is softened. The colours go on beyond the edge, so that
    nothing of the old background shows over a new one.
    """
    alpha = soft_edge(sample.truth) if sample.alpha is None else sample.alpha
    foreground = Foreground(sample.name, sample.image, np.round(255 * alpha).astype(np.uint8)).trimmed(
        FAINTEST
    )
    return foreground._replace(colours=object_colours(foreground.colours, foreground.alpha))


def soft_edge(mask: np.ndarray) -> np.ndarray:
    """A binary mask's edge as a lens would draw it, a pixel further in: float32 [H, W] in 0…1.

    The pixels at a mask's border are mixed with the background, as often as not, and cannot be told apart.
    """
    inner = cv2.erode(mask.astype(np.float32), np.ones((3, 3)), borderValue=1.0)
    return cv2.GaussianBlur(inner, (0, 0), EDGE, borderType=cv2.BORDER_REPLICATE)


def object_colours(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The object's own colours by blur fusion (Forte 2021, "Approximate fast foreground colour estimation").

    With F̄ and B̄ the blurred colours of object and background, F = F̄ + α (I − α F̄ − (1 − α) B̄), first
    with a wide window, then with a narrow one.

    Args:
        image: uint8 RGB [H, W, 3]. alpha: uint8 [H, W].

    Returns:
        uint8 RGB [H, W, 3].
    """
    a = cv2.merge([alpha] * 3).astype(np.float32) / 255  # numpy's broadcasting would take ten times as long
    pixels = image.astype(np.float32)
    wide, behind, _ = _fused(pixels, pixels, pixels, a, WIDE)
    narrow, _, seen = _fused(pixels, wide, behind, a, NARROW)
    return np.round(np.where(seen > 1e-3, narrow, wide)).astype(
        np.uint8
    )  # the narrow window ends near the edge


def _fused(
    image: np.ndarray, front: np.ndarray, behind: np.ndarray, a: np.ndarray, window: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One pass: the colours of the object and of the background, and how much of the object was seen."""
    size = (window, window)
    seen = cv2.blur(a, size)
    front = cv2.blur(front * a, size) / (seen + 1e-5)
    behind = cv2.blur(behind * (1 - a), size) / (1 - seen + 1e-5)
    return np.clip(front + a * (image - a * front - (1 - a) * behind), 0, 255), behind, seen

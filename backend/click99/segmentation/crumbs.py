"""Islands and holes of a mask that are too small to be meant, unless a click asked for them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from click99.segmentation.clicks import Click


def without_crumbs(
    alpha: np.ndarray, clicks: Sequence[Click], smallest: float, start: np.ndarray | None = None
) -> np.ndarray:
    """An alpha, uint8 [H, W], without islands and holes of less than `smallest` of its mask's area.

    A positive click asks for the island that it lies in, a negative one for its hole; what a person's mask
    `start`, bool [H, W], has of either stays, too. What is above half is inside. A hole does not reach the
    sides of what the mask spans.
    """
    alpha = alpha.copy()
    left, top, width, height = cv2.boundingRect((alpha > 127).view(np.uint8))
    if not width:
        return alpha
    span = np.s_[top : top + height, left : left + width]
    part, least = alpha[span], smallest * np.count_nonzero(alpha > 127)
    given = np.zeros(part.shape, bool) if start is None else start[span]
    missing = np.zeros(part.shape, bool) if start is None else ~given
    missing[[0, -1]] = missing[:, [0, -1]] = True
    for click in clicks:
        if 0 <= click.x - left < width and 0 <= click.y - top < height:
            (given if click.positive else missing)[click.y - top, click.x - left] = True
    part[_small(part > 127, given, least)] = 0
    part[_small(part <= 127, missing, least)] = 255
    return alpha


def _small(region: np.ndarray, stays: np.ndarray, least: float) -> np.ndarray:
    """The parts of a region with fewer pixels than that, none of which stays: bool [H, W]."""
    _, found, stats, _ = cv2.connectedComponentsWithStats(region.view(np.uint8), connectivity=8)
    parts: np.ndarray = np.asarray(found)
    few = stats[:, cv2.CC_STAT_AREA] < least
    few[0] = False
    few[parts[region & stays]] = False
    return few[parts]

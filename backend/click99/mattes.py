"""Soft masks as cut-outs: what hangs together with the object, without crumbs. uint8 alpha [H, W]."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from click99.segmentation.clicks import Click

FAINT = 12  # of 255; less joins no parts
STEEPNESS = 3


def matte(alpha: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    """The soft mask of a cut-out, from the network's alpha and its mask, bool [H, W].

    Steeper around a half than the network's, which is unsure far around an object: closer to true mattes
    (docs/experiments/mattes.md). What the network took for the object a little, elsewhere and some clicks
    ago, is nothing that anybody wants.
    """
    steep = np.clip((alpha - np.float32(127.5)) * STEEPNESS + 127.5, 0, 255).round().astype(np.uint8)
    return joined(steep, foreground)


def joined(alpha: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    """Of an alpha what hangs together with the mask, bool [H, W]."""
    count, found = cv2.connectedComponents((alpha > FAINT).view(np.uint8), connectivity=8)
    parts: np.ndarray = np.asarray(found)
    kept = np.bincount(parts[foreground], minlength=count) > 0
    return alpha * kept[parts]


def cleaned(alpha: np.ndarray, clicks: Sequence[Click], smallest: float) -> np.ndarray:
    """Without islands and holes of less than `smallest` of the mask's area that no click asked for.

    An island is asked for by a positive click in it, a hole by a negative one; what is above half is inside.
    """
    inside = alpha > 127
    least = smallest * inside.sum()
    islands = _small(inside, [click for click in clicks if click.positive], least)
    holes = _small(~inside & ~islands, [click for click in clicks if not click.positive], least)
    shown = np.where(holes, np.uint8(255), alpha)
    return joined(shown, inside & ~islands) if islands.any() else shown


def _small(region: np.ndarray, asked: Sequence[Click], least: float) -> np.ndarray:
    """The parts of a region with fewer pixels than that and no click in them: bool [H, W]."""
    _, found, stats, _ = cv2.connectedComponentsWithStats(region.view(np.uint8), connectivity=8)
    parts: np.ndarray = np.asarray(found)
    small = stats[:, cv2.CC_STAT_AREA] < least
    small[[0, *(parts[click.y, click.x] for click in asked)]] = False
    return small[parts]

"""Soft masks as cut-outs: what hangs together with the object, without crumbs. uint8 alpha [H, W]."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.crumbs import without_crumbs

FAINT = 12  # of 255; less joins no parts
STEEPNESS = 3
STEEPER = np.clip((np.arange(256) - 127.5) * STEEPNESS + 127.5, 0, 255).round().astype(np.uint8)
GONE = int(np.flatnonzero(STEEPER == 0)[-1])  # an alpha up to here becomes 0


def matte(alpha: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    """The soft mask of a cut-out, from the network's alpha and its mask, bool [H, W].

    Steeper around a half than the network's, which is unsure far around an object: closer to true mattes
    (docs/experiments/mattes.md). What the network took for the object a little, elsewhere and some clicks
    ago, is nothing that anybody wants.
    """
    left, top, width, height = cv2.boundingRect((alpha > GONE).view(np.uint8))
    span = np.s_[top : top + height, left : left + width]
    made = np.zeros_like(alpha)
    if width:  # the rest of a large picture costs nothing
        made[span] = joined(STEEPER[alpha[span]], foreground[span])
    return made


def joined(alpha: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    """Of an alpha what hangs together with the mask, bool [H, W]."""
    count, found = cv2.connectedComponents((alpha > FAINT).view(np.uint8), connectivity=8)
    parts: np.ndarray = np.asarray(found)
    kept = np.bincount(parts[foreground], minlength=count) > 0
    return alpha * kept[parts]


def cleaned(alpha: np.ndarray, clicks: Sequence[Click], smallest: float) -> np.ndarray:
    """As `without_crumbs`, and without what is soft around the islands that go."""
    shown = without_crumbs(alpha, clicks, smallest)
    return joined(shown, shown > 127)

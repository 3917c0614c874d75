"""Soft masks as cut-outs: what hangs together with the object, without crumbs. uint8 alpha [H, W]."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.crumbs import without_crumbs

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
    """As `without_crumbs`, and without what is soft around the islands that go."""
    shown = without_crumbs(alpha, clicks, smallest)
    return joined(shown, shown > 127)

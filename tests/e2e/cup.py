"""The cup of the demo's coffee.png: its mask, and what is seen of masks."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 600, 400
# The cup without saucer and spoon, drawn by hand for this test; corners in pixels.
CUP = """
287,18 330,23 362,38 385,60 399,82 407,112 406,135 402,160 394,190 382,215 372,235 352,246 335,258 327,270
312,280 285,284 262,282 259,262 250,280 233,302 222,308 208,305 197,292 198,278 205,257 218,237 205,228
190,205 178,170 173,130 173,105 180,80 196,54 215,38 245,24
"""


def truth() -> np.ndarray:
    """The cup's mask, bool [H, W]."""
    corners = [tuple(map(int, corner.split(","))) for corner in CUP.split()]
    image = Image.new("1", (WIDTH, HEIGHT))
    ImageDraw.Draw(image).polygon(corners, fill=1)
    return np.asarray(image)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.logical_and(one, other).sum() / np.logical_or(one, other).sum())


def seen_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where the picture on screen changed, bool [H, W]: the mask's tint, and the dots of the clicks."""
    return np.abs(after - before).sum(axis=2) > 40

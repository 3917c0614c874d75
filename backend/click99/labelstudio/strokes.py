"""Brush and eraser strokes, drawn as Label Studio's browser draws them when it saves a region.

A draft holds a region's old mask and the strokes made on it since (`value.touches`); only when the
annotation is submitted does the browser turn both into one mask. So click99 has to do the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, Field

Number = Annotated[float, Field(allow_inf_nan=False)]


class Stroke(BaseModel):
    """One `touch`. points: x, y, x, y … in percent of width and height. width: in percent of the width."""

    type: Literal["add", "eraser"] = "add"
    points: list[Number] = Field(min_length=2, max_length=200_000, alias="relativePoints")
    width: Annotated[float, Field(gt=0, le=100, alias="relativeStrokeWidth")] = 25.0

    def coverage(self, height: int, width: int) -> np.ndarray:
        """How much of each pixel the stroke covers: float32 [H, W] in 0…1.

        A line with round ends and joins covers what lies within half its width; a pixel at the edge counts
        by the distance of its centre, which is what anti-aliasing comes to.
        """
        points = np.array(self.points[: len(self.points) // 2 * 2]).reshape(-1, 2)
        points = points * (width / 100, height / 100)
        radius = self.width / 200 * width
        covered = np.zeros((height, width), np.float32)
        for start, end in zip(points, points[1:] if len(points) > 1 else points, strict=False):
            _cover(covered, start, end, radius)
        return covered


def draw(alpha: np.ndarray, strokes: Sequence[Stroke]) -> np.ndarray:
    """The mask after the strokes, in order: uint8 [H, W] -> uint8 [H, W].

    As the canvas does it: source-over for the brush, destination-out for the eraser.
    """
    opacity = alpha.astype(np.float32) / 255
    for stroke in strokes:
        covered = stroke.coverage(*alpha.shape)
        opacity *= 1 - covered
        if stroke.type == "add":
            opacity += covered
    return np.rint(opacity * 255).astype(np.uint8)


def touched(strokes: Sequence[Stroke], height: int, width: int) -> np.ndarray:
    """The pixels that the strokes decided, painted or erased: bool [H, W]."""
    pixels = np.zeros((height, width), bool)
    empty, full = np.zeros((height, width), np.uint8), np.full((height, width), 255, np.uint8)
    for stroke in strokes:
        pixels |= draw(empty, [stroke]) > 127 if stroke.type == "add" else draw(full, [stroke]) <= 127
    return pixels


def _cover(covered: np.ndarray, start: np.ndarray, end: np.ndarray, radius: float) -> None:
    """Add one straight piece, in place: only the pixels that it can reach are looked at."""
    low = np.floor(np.minimum(start, end) - radius - 1).astype(int)
    high = np.ceil(np.maximum(start, end) + radius + 1).astype(int)
    left, top = np.maximum(low, 0)
    right, bottom = np.maximum(np.minimum(high, covered.shape[::-1]), (left, top))
    x = np.arange(left, right)[None] + 0.5 - start[0]
    y = np.arange(top, bottom)[:, None] + 0.5 - start[1]
    dx, dy = end - start
    along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
    distance = np.hypot(x - along * dx, y - along * dy)
    part = covered[top:bottom, left:right]
    np.maximum(part, np.clip(radius + 0.5 - distance, 0, 1), out=part)

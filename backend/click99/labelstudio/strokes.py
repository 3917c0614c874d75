"""Brush and eraser strokes, drawn as Label Studio's browser draws them when it saves a region.

A draft holds a region's old mask and the strokes made on it since (`value.touches`); only when the
annotation is submitted does the browser turn both into one mask. So click99 has to do the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import cv2
import numpy as np
from pydantic import BaseModel, Field

from click99.labelstudio.loose_values import Percent

Window = tuple[slice, slice]  # rows and columns of an image

SHIFT = 4  # bits of a pixel's fraction, for cv2


class Stroke(BaseModel):
    """One `touch`. points: x, y, x, y … in percent of width and height. width: in percent of the width."""

    type: Literal["add", "eraser"] = "add"
    points: list[Percent] = Field(min_length=2, max_length=200_000, alias="relativePoints")
    width: Annotated[float, Field(gt=0, le=100, alias="relativeStrokeWidth")] = 25.0

    def coverage(self, height: int, width: int) -> tuple[Window, np.ndarray]:
        """How much of each pixel of an image the stroke covers: float32 in 0…1 of a window, 0 elsewhere.

        A line with round ends and joins covers what lies within half its width; a pixel at the edge counts
        by the distance of its centre, which is what anti-aliasing comes to.
        """
        points = np.array(self.points[: len(self.points) // 2 * 2]).reshape(-1, 2)
        points = points * (width / 100, height / 100)
        radius = self.width / 200 * width
        left, top = np.clip(np.floor(points.min(axis=0) - radius - 1), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(points.max(axis=0) + radius + 1), 0, (width, height)).astype(int)
        shape = (max(bottom - top, 0), max(right - left, 0))
        window = slice(top, top + shape[0]), slice(left, left + shape[1])
        return window, _covered(points - (left, top), radius, shape)


def draw(alpha: np.ndarray, strokes: Sequence[Stroke]) -> np.ndarray:
    """The mask after the strokes, in order: uint8 [H, W] -> uint8 [H, W].

    As the canvas does it: source-over for the brush, destination-out for the eraser.
    """
    opacity = alpha.astype(np.float32) / 255
    for stroke in strokes:
        window, covered = stroke.coverage(*alpha.shape)
        opacity[window] *= 1 - covered
        if stroke.type == "add":
            opacity[window] += covered
    return np.rint(opacity * 255).astype(np.uint8)


def touched(strokes: Sequence[Stroke], height: int, width: int) -> np.ndarray:
    """The pixels that the strokes decided, painted or erased: bool [H, W]."""
    pixels = np.zeros((height, width), bool)
    for stroke in strokes:
        window, covered = stroke.coverage(height, width)
        left = covered if stroke.type == "add" else 1 - covered
        pixels[window] |= (np.rint(left * 255) > 127) == (stroke.type == "add")
    return pixels


def _covered(points: np.ndarray, radius: float, shape: tuple[int, int]) -> np.ndarray:
    """What a line through points, [N, 2] of x, y, covers of an image of that shape.

    cv2 finds what surely lies inside; distances are computed for the rim only.
    """
    inside = _line(points, 2 * int(radius) - 3, shape)
    rows, columns = np.nonzero(_line(points, 2 * int(radius) + 7, shape) > inside)
    rim = np.zeros(len(rows))
    for start, end in zip(points, points[1:] if len(points) > 1 else points, strict=False):
        low, high = min(start[1], end[1]) - radius - 1, max(start[1], end[1]) + radius + 1
        near = slice(*np.searchsorted(rows, (low, high)))
        distance = _distance(columns[near] + 0.5, rows[near] + 0.5, start, end)
        rim[near] = np.maximum(rim[near], np.clip(radius + 0.5 - distance, 0, 1))
    covered = inside.astype(np.float32)
    covered[rows, columns] = rim
    return covered


def _line(points: np.ndarray, thickness: int, shape: tuple[int, int]) -> np.ndarray:
    """A thick line, to the pixel: uint8 of that shape, 0 or 1."""
    image = np.zeros(shape, np.uint8)
    if thickness > 0 and image.size:
        places = np.rint((np.concatenate([points, points[-1:]]) - 0.5) * 2**SHIFT).astype(np.int32)
        cv2.polylines(image, [places], False, 1, thickness, shift=SHIFT)
    return image


def _distance(x: np.ndarray, y: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """From places to a straight piece."""
    dx, dy = end - start
    along = ((x - start[0]) * dx + (y - start[1]) * dy) / max(dx * dx + dy * dy, 1e-12)
    along = np.clip(along, 0, 1)
    return np.hypot(x - start[0] - along * dx, y - start[1] - along * dy)

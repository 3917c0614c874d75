"""A mask in each form that a label config can hold: written for an answer, and read back from a task."""

from __future__ import annotations

import json

import numpy as np

from click99.labelstudio import bitmask, brush, polygon
from click99.labelstudio.label_config import Kind
from click99.labelstudio.predictions import BitmaskValue, BrushValue, MadeOf, MaskValue, PolygonValue

FOREGROUND = 127  # above it a saved pixel belongs to the object: browsers save soft edges


def write(mask: np.ndarray, kind: Kind, labels: list[str], tolerance: float) -> MaskValue:
    """bool [H, W] -> the value of the region that answers a click.

    tolerance: of a polygon, in thousandths of the image's long side.
    """
    if kind == "bitmasklabels":
        return BitmaskValue(imageDataURL=bitmask.encode(mask), bitmasklabels=labels)
    if kind == "polygonlabels":
        points = polygon.outline(mask, tolerance * max(mask.shape) / 1000)
        return PolygonValue(points=points, polygonlabels=labels)
    return BrushValue(rle=brush.encode(mask.view(np.uint8) * np.uint8(255)), brushlabels=labels)


def content(made_of: MadeOf | None) -> bytes:
    """What a region's mask is made of, as bytes."""
    if isinstance(made_of, str):
        return made_of.encode()
    if made_of and isinstance(made_of[0], list):
        return json.dumps(made_of).encode()
    return bytes(made_of or ())  # pyright: ignore


def read(kind: Kind, content: bytes, height: int, width: int) -> np.ndarray:
    """`content` -> bool [height, width]; BrushError or BitmaskError when it is not of that image.

    Without content nothing was saved yet: empty.
    """
    if not content:
        return np.zeros((height, width), bool)
    if kind == "bitmasklabels":
        return bitmask.decode(content.decode(), height, width) > FOREGROUND
    if kind == "polygonlabels":
        return polygon.fill(json.loads(content), height, width)
    return brush.decode(list(content), height, width) > FOREGROUND

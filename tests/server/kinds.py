"""The kinds of regions that clicks can be answered with, and how each is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from click99.labelstudio import bitmask, brush, polygon
from tests.server.requests import CONFIG, HEIGHT, WIDTH

BRUSH = '<BrushLabels name="brush" toName="image"><Label value="cell"/><Label value="nucleus"/></BrushLabels>'
KINDS = {"brush": "BrushLabels", "bitmask": "BitmaskLabels", "polygon": "PolygonLabels"}
READ: dict[str, Callable[[dict[str, Any]], np.ndarray]] = {
    "brush": lambda value: brush.decode(value["rle"], HEIGHT, WIDTH) > 127,
    "bitmask": lambda value: bitmask.decode(value["imageDataURL"], HEIGHT, WIDTH) > 127,
    "polygon": lambda value: polygon.fill(value["points"], HEIGHT, WIDTH),
}


def config(*kinds: str) -> str:
    """The usual config, its brush replaced by a control of each of these kinds."""
    assert BRUSH in CONFIG
    tags = [BRUSH.replace("BrushLabels", KINDS[kind]).replace('"brush"', f'"{kind}"') for kind in kinds]
    return CONFIG.replace(BRUSH, "".join(tags))

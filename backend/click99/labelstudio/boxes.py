"""Boxes drawn with a smart RectangleLabels control: another first prompt than a click."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from click99.labelstudio.errors import PayloadError
from click99.labelstudio.payloads import ContextItem


class PixelBox(NamedTuple):
    """A box in image pixels, ends excluded. id: Label Studio's, the same when the box is dragged."""

    id: str
    left: int
    top: int
    right: int
    bottom: int


class BoxDrawn(NamedTuple):
    """The box drawn last. place: in params.context.result."""

    control: str
    label: str
    item_index: int | None
    item: ContextItem
    place: int

    @property
    def more(self) -> list[str]:
        """Its labels beside `label`."""
        return self.item.labels[1:]

    def pixels(self, height: int, width: int) -> PixelBox:
        """The upright box around it, cut to the image [height, width]; PayloadError when it misses that."""
        value = self.item.value
        x, y = (value.x or 0.0) * width / 100, (value.y or 0.0) * height / 100
        across, down = (value.width or 0.0) * width / 100, (value.height or 0.0) * height / 100
        cos, sin = math.cos(math.radians(value.rotation)), math.sin(math.radians(value.rotation))
        corners = np.array([(0, 0), (across, 0), (0, down), (across, down)]) @ [(cos, sin), (-sin, cos)]
        corners += np.array([x, y])
        left, top = np.maximum(np.floor(corners.min(axis=0) + 1e-6), 0).astype(int)
        right, bottom = np.minimum(np.ceil(corners.max(axis=0) - 1e-6), (width, height)).astype(int)
        if right <= left or bottom <= top:
            field = f"params.context.result[{self.place}].value"
            raise PayloadError(field, "a box of no pixels of the image", "Draw it around the object")
        return PixelBox(self.item.id, int(left), int(top), int(right), int(bottom))


def box_drawn(items: Sequence[ContextItem]) -> BoxDrawn | None:
    """The last of the pending regions (params.context.result) if it is a box; None: it is a click."""
    if not items or not items[-1].is_box:
        return None
    place, item = len(items) - 1, items[-1]
    if item.label is None:
        field = f"params.context.result[{place}].value.rectanglelabels"
        raise PayloadError(field, "a box without a label", "Choose a label before drawing")
    return BoxDrawn(item.from_name, item.label, item.item_index, item, place)

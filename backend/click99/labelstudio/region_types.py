"""The types of regions that can hold a mask: written for an answer, and read back from a task.

A new one is a codec module, a value and a line in REGION_TYPES.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field, SkipValidation, TypeAdapter

from click99.labelstudio import bitmask, brush, polygon
from click99.labelstudio.loose_values import Percent

FOREGROUND = 127  # above it a saved pixel belongs to the object: browsers save soft edges

Kind = Literal["bitmasklabels", "brushlabels", "polygonlabels"]
Points = TypeAdapter(list[Annotated[list[Percent], Field(min_length=2, max_length=2)]])
OF_ANY = "labels"  # the type of a region that a Labels control labels, whatever tool has drawn it
MadeOf = list[int] | str | list[list[float]]  # a brush RLE, an image's data URL, a polygon's points


class BrushValue(BaseModel):
    """rle: see brush.py; not validated again, it can be a million numbers."""

    format: Literal["rle"] = "rle"
    rle: SkipValidation[list[int]]
    brushlabels: list[str]

    @property
    def made_of(self) -> MadeOf:
        return self.rle


class BitmaskValue(BaseModel):
    """imageDataURL: see bitmask.py."""

    imageDataURL: str  # noqa: N815
    bitmasklabels: list[str]

    @property
    def made_of(self) -> MadeOf:
        return self.imageDataURL


class PolygonValue(BaseModel):
    """points: see polygon.py."""

    points: SkipValidation[list[list[float]]]
    closed: Literal[True] = True
    polygonlabels: list[str]

    @property
    def made_of(self) -> MadeOf:
        return self.points


MaskValue = BrushValue | BitmaskValue | PolygonValue


@dataclass(frozen=True)
class RegionType:
    """How Label Studio holds a mask.

    tag: of the control. field: of a region's value, with what the mask is made of. write: bool [H, W], labels
    and a polygon's tolerance in pixels -> value. pack: that field, whatever is in it -> bytes. read: those
    bytes, height and width -> bool [height, width].
    """

    tag: str
    field: str
    pack: Callable[[Any], bytes]
    write: Callable[[np.ndarray, list[str], float], MaskValue]
    read: Callable[[bytes, int, int], np.ndarray]


def _write_bitmask(mask: np.ndarray, labels: list[str], tolerance: float) -> BitmaskValue:
    return BitmaskValue(imageDataURL=bitmask.encode(mask), bitmasklabels=labels)


def _read_bitmask(content: bytes, height: int, width: int) -> np.ndarray:
    return bitmask.decode(content.decode(), height, width) > FOREGROUND


def _pack_polygon(points: Any) -> bytes:
    return json.dumps(Points.validate_python(points)).encode()


def _write_brush(mask: np.ndarray, labels: list[str], tolerance: float) -> BrushValue:
    return BrushValue(rle=brush.encode(mask.view(np.uint8) * np.uint8(255)), brushlabels=labels)


def _read_brush(content: bytes, height: int, width: int) -> np.ndarray:
    return brush.decode(content, height, width) > FOREGROUND


def _write_polygon(mask: np.ndarray, labels: list[str], tolerance: float) -> PolygonValue:
    return PolygonValue(points=polygon.outline(mask, tolerance), polygonlabels=labels)


def _read_polygon(content: bytes, height: int, width: int) -> np.ndarray:
    return polygon.fill(json.loads(content), height, width)


# The one that answers where a config has several first: masks before outlines, and of masks the one that
# Label Studio keeps as it is.
REGION_TYPES: dict[Kind, RegionType] = {
    "bitmasklabels": RegionType(
        "BitmaskLabels", "imageDataURL", bitmask.as_bytes, _write_bitmask, _read_bitmask
    ),
    "brushlabels": RegionType("BrushLabels", "rle", brush.as_bytes, _write_brush, _read_brush),
    "polygonlabels": RegionType("PolygonLabels", "points", _pack_polygon, _write_polygon, _read_polygon),
}


def write(mask: np.ndarray, kind: Kind, labels: list[str], tolerance: float) -> MaskValue:
    """bool [H, W] -> the value of the region that answers a click.

    tolerance: of a polygon, in thousandths of the image's long side.
    """
    return REGION_TYPES[kind].write(mask, labels, tolerance * max(mask.shape) / 1000)


def as_held(mask: np.ndarray, kind: Kind, tolerance: float) -> np.ndarray:
    """A mask, bool [H, W], as a region of that kind gives it back: an outline holds it only nearly.

    tolerance: see `write`.
    """
    if kind != "polygonlabels" or not mask.any():
        return mask
    value = write(mask, kind, [], tolerance)
    return read(kind, REGION_TYPES[kind].pack(value.made_of), *mask.shape)


def held_as(type: str, value: Mapping[str, Any]) -> Kind | None:
    """How a result of that type holds its mask; None: it holds none. value: its own."""
    for kind in REGION_TYPES:
        if type == kind or (type == OF_ANY and REGION_TYPES[kind].field in value):
            return kind


def content(kind: Kind, value: Mapping[str, Any]) -> bytes:
    """What a region's mask is made of, from its value; nothing: nothing was saved yet.

    BrushError, BitmaskError or ValidationError when it is something else.
    """
    made_of = value.get(REGION_TYPES[kind].field)
    return b"" if made_of is None else REGION_TYPES[kind].pack(made_of)


def read(kind: Kind, content: bytes, height: int, width: int) -> np.ndarray:
    """`content` -> bool [height, width]; BrushError or BitmaskError when it is not of that image.

    Without content nothing was saved yet: empty.
    """
    if not content:
        return np.zeros((height, width), bool)
    return REGION_TYPES[kind].read(content, height, width)

"""The regions that an annotator has on screen, read back from the task that comes with every click.

Label Studio sends a click without the region that it is meant for. What was accepted, drawn or erased before
is only in the task: in the newest draft (saved up to five seconds late), else in the submitted annotation.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from click99.labelstudio.click_group import PixelClick
from click99.labelstudio.errors import BitmaskError, BrushError
from click99.labelstudio.label_config import Kind, Target
from click99.labelstudio.meta import made_from
from click99.labelstudio.outputs import FOREGROUND, content, read
from click99.labelstudio.payloads import Work
from click99.labelstudio.strokes import Stroke, draw, touched

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class DrawnRegion:
    """One region as the annotator sees it.

    pixels: bool [h, w], read-only, its mask with all strokes, cut to where it is not empty; the corner lies
    at (left, top). by_hand: bool [H, W], the pixels that strokes not saved yet went over, or None.
    clicks: those that it was made from, as far as it tells.
    """

    id: str
    top: int
    left: int
    pixels: np.ndarray
    by_hand: np.ndarray | None
    clicks: frozenset[PixelClick]


Percent = Annotated[float, Field(allow_inf_nan=False)]
Point = Annotated[list[Percent], Field(min_length=2, max_length=2)]


class _Value(BaseModel):
    """What each kind of region is made of, under the kind's name, and what was painted on it since."""

    brushlabels: list[int] | None = Field(default=None, alias="rle")
    bitmasklabels: str | None = Field(default=None, alias="imageDataURL")
    polygonlabels: list[Point] | None = Field(default=None, alias="points")
    touches: list[Stroke] = []
    magic_wand: str | None = Field(default=None, alias="maskDataURL")


class _Item(BaseModel):
    id: str = Field(min_length=1)
    original_width: int
    original_height: int
    value: _Value


def drawn_regions(work: Work, target: Target, height: int, width: int) -> list[DrawnRegion]:
    """The regions of `target`'s control and label on its image [height, width], in the order of their making.

    One that cannot be read is left out, with a warning: a click beside it must still be answered.
    """
    return list(_readable(work, target, height, width))


def item_ids(work: Work) -> frozenset[str]:
    """The ids of everything on the canvas when this was saved."""
    return frozenset(item["id"] for item in work.items if isinstance(item.get("id"), str))


def _readable(work: Work, target: Target, height: int, width: int) -> Iterator[DrawnRegion]:
    for raw in work.items:
        if is_of(raw, target):
            try:
                yield _region(_Item.model_validate(raw), target.kind, made_from(raw), height, width)
            except (ValidationError, BrushError, BitmaskError) as error:
                reason = str(error).replace("\n", " ")[:200]
                log.warning("Region %.40r of %s is not read: %s", raw.get("id"), work.name, reason)


def is_of(raw: Mapping[str, Any], target: Target) -> bool:
    """Whether this is a region of that control and label on that picture."""
    value = raw.get("value")
    labels = value.get(target.kind) if isinstance(value, Mapping) else None
    return (
        raw.get("type") == target.kind
        and (raw.get("from_name"), raw.get("to_name")) == (target.from_name, target.to_name)
        and isinstance(labels, Collection)
        and target.label in labels
        and (raw.get("item_index") or 0) == (target.item_index or 0)
    )


def _region(item: _Item, kind: Kind, clicks: frozenset[PixelClick], height: int, width: int) -> DrawnRegion:
    if (item.original_height, item.original_width) != (height, width):
        made_for = f"made for {item.original_width} × {item.original_height}, the image is {width} × {height}"
        raise BrushError("original_width", made_for, "Reload the task: the image was replaced")
    if wand := item.value.magic_wand:  # a region of that tool holds nothing else until it is submitted
        kind, made_of = "bitmasklabels", wand.encode()
    else:
        made_of = content(getattr(item.value, kind))
    strokes = item.value.touches
    top, left, pixels = _read(kind, made_of, height, width)
    by_hand = None
    if strokes:
        mask = np.zeros((height, width), np.uint8)
        mask[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels * np.uint8(255)
        top, left, pixels = crop(draw(mask, strokes) > FOREGROUND)
        by_hand = touched(strokes, height, width)
    return DrawnRegion(item.id, top, left, pixels, by_hand, clicks)


@lru_cache(maxsize=512)
def _read(kind: Kind, made_of: bytes, height: int, width: int) -> tuple[int, int, np.ndarray]:
    """Cached: a task's masks come with every click on it."""
    return crop(read(kind, made_of, height, width))


def crop(mask: np.ndarray) -> tuple[int, int, np.ndarray]:
    """bool [H, W] -> top, left and the part that is not empty (0 × 0 when all is)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, np.zeros((0, 0), bool)
    pixels = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    pixels.setflags(write=False)
    return int(rows[0]), int(columns[0]), pixels

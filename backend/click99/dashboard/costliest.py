"""The masks that took the most clicks, as small pictures: where the model fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from click99.annotations import masks
from click99.annotations.saved_masks import SavedMask
from click99.annotations.tables import MaskRow
from click99.dashboard.costs import Cost
from click99.drawing import draw, jpeg
from click99.labelstudio.errors import LabelStudioError
from click99.segmentation.clicks import Click

WIDTH, HEIGHT = 320, 240  # of a tile, at most
MARGIN = 0.4  # around the object, in shares of its longer side
SECONDS = 10.0  # that all pictures are waited for
AT_ONCE = 2  # pictures in memory
GREY = 128  # where there is no picture

Pictures = Callable[[SavedMask], np.ndarray]  # uint8 RGB [H, W, 3]; LabelStudioError without one


@dataclass(frozen=True)
class CostlyMask:
    """mask: bool [H, W], as it was saved."""

    cost: Cost
    found: SavedMask
    mask: np.ndarray

    @classmethod
    def read(cls, session: Session, cost: Cost, found: SavedMask) -> CostlyMask:
        return cls(cost, found, masks.pixels(session.get_one(MaskRow, found.region.mask)))


@dataclass(frozen=True)
class CostlyTile:
    """A mask and its clicks on the part of the picture around them. pictured: else on plain grey."""

    cost: Cost
    task: str
    drawing: np.ndarray
    pictured: bool

    @property
    def address(self) -> str:
        return jpeg(self.drawing)


def tiles(costly: Sequence[CostlyMask], pictures: Pictures) -> list[CostlyTile]:
    """In their order. Pictures that are not there in time are left out."""
    pool = ThreadPoolExecutor(AT_ONCE)
    drawn = [pool.submit(_tile, each, pictures) for each in costly]
    done, _ = wait(drawn, SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    return [
        future.result() if future in done else _tile(each, None)
        for each, future in zip(costly, drawn, strict=True)
    ]


def _tile(costly: CostlyMask, pictures: Pictures | None) -> CostlyTile:
    mask, found = costly.mask, costly.found
    picture = _picture(found, mask, pictures) if pictures else None
    clicks = [Click(click.x, click.y, click.positive) for click in found.clicks]
    left, top, right, bottom = _window(mask, clicks)
    inside = (slice(top, bottom), slice(left, right))
    shown = np.full((*mask[inside].shape, 3), GREY, np.uint8) if picture is None else picture[inside]
    width = min(WIDTH, max(1, round(HEIGHT * (right - left) / (bottom - top))))
    moved = [Click(click.x - left, click.y - top, click.positive) for click in clicks]
    drawing = draw(np.ascontiguousarray(shown), mask[inside], moved, width)
    return CostlyTile(costly.cost, found.annotation.task or "", drawing, picture is not None)


def _picture(found: SavedMask, mask: np.ndarray, pictures: Pictures) -> np.ndarray | None:
    """None where there is none, or another one by now."""
    try:
        picture = pictures(found)
    except LabelStudioError:
        return None
    return picture if picture.shape[:2] == mask.shape else None


def _window(mask: np.ndarray, clicks: Sequence[Click]) -> tuple[int, int, int, int]:
    """Around the object and its clicks: left, top, right, bottom, ends excluded."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    ys = [*rows[[0, -1] if len(rows) else []], *(click.y for click in clicks)]
    xs = [*columns[[0, -1] if len(columns) else []], *(click.x for click in clicks)]
    margin = round(MARGIN * (1 + max(max(xs) - min(xs), max(ys) - min(ys)))) + 8
    height, width = mask.shape
    left, top = max(0, min(xs) - margin), max(0, min(ys) - margin)
    return left, top, min(width, max(xs) + margin + 1), min(height, max(ys) + margin + 1)

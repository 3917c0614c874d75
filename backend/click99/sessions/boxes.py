"""A box or a lasso around an object as the first prompt: what the network makes of it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from click99.labelstudio.prompts import Box
from click99.segmentation.clicks import Click
from click99.segmentation.prior import Prior
from click99.segmentation.robot import deepest
from click99.sessions.refiner import Refiner
from click99.sessions.stores import State

MARGIN = 0.7  # looked at around the box, of its own size
STEPS = 2
BOX_FILLED, LASSO_FILLED = 0.6, 0.65  # share of what is enclosed that its object takes as a rule
BESIDE = 0.1  # of the box's shorter side: no farther away a click means the same place


class Lasso(NamedTuple):
    """A line around an object: pixels (x, y), the last one joined to the first. id: its own for ever."""

    points: tuple[tuple[int, int], ...]
    id: str = ""

    @property
    def box(self) -> Box:
        xs, ys = zip(*self.points, strict=True)
        return Box(min(xs), min(ys), max(xs) + 1, max(ys) + 1, self.id)

    @property
    def name(self) -> str:
        """The same for the same line only."""
        return f"lasso {hashlib.sha256(repr(self.points).encode()).hexdigest()}"

    @property
    def centre(self) -> Click:
        """The click where it is deepest, under its id."""
        return _deepest(self)

    @property
    def inside(self) -> np.ndarray:
        """Of its box, what lies on the line or within: uint8 [h, w]."""
        box = self.box
        enclosed = np.zeros((box.bottom - box.top, box.right - box.left), np.uint8)
        return cv2.fillPoly(enclosed, [np.array(self.points, np.int32) - (box.left, box.top)], 1)


class _Enclosure(NamedTuple):
    """box: around it. inside: of the box, uint8 [h, w]. click: in the image. filled: as above."""

    box: Box
    inside: np.ndarray
    click: Click
    filled: float


def own_click(around: Box | Lasso, clicks: Sequence[Click]) -> list[Click]:
    """The click that the first mask is made with, as the first of those that correct it: none where a
    negative one of them lies right beside it, as in the middle of a ring."""
    box, own = around if isinstance(around, Box) else around.box, around.centre
    near = BESIDE * min(box.right - box.left, box.bottom - box.top)
    beside = (not c.positive and math.hypot(c.x - own.x, c.y - own.y) <= near for c in clicks)
    return [] if any(beside) else [own]


def first_mask(around: Box | Lasso, predictor: Refiner, image: np.ndarray, image_key: str) -> State:
    """The object's, 0 outside the box or lasso. image: uint8 RGB [H, W, 3].

    The network knows clicks only. So it is shown the box with a margin as if that were all of the image, and
    a click in the middle, of a lasso where it is deepest, twice, the second time with its first mask; what
    lies outside is dropped after each (measured against other ways in docs/experiments/boxes.md).
    """
    enclosed = _enclosed(around)
    box, click = enclosed.box, enclosed.click
    rows, columns = _looked_at(box, image)
    part = np.ascontiguousarray(image[rows, columns])
    inside = np.zeros(part.shape[:2], np.float32)
    top, left = box.top - rows.start, box.left - columns.start
    place = inside[top : box.bottom - rows.start, left : box.right - columns.start]
    place[:] = enclosed.inside[: place.shape[0], : place.shape[1]]
    click = Click(click.x - columns.start, click.y - rows.start, True)
    name = f"{image_key} {around.name}"
    prior = Prior((max(1, round(enclosed.filled * inside.sum())),))
    answer = predictor.judged(part, [click], None, name, prior)
    for _ in range(STEPS - 1):
        answer = predictor.judged(part, [click], answer.alpha * inside, name)
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[rows, columns] = np.rint(answer.alpha * inside * 255)
    return State.of(mask, answer.quality)


def _enclosed(around: Box | Lasso) -> _Enclosure:
    return _of_lasso(around) if isinstance(around, Lasso) else _of_box(around)


def _of_box(box: Box) -> _Enclosure:
    inside = np.ones((box.bottom - box.top, box.right - box.left), np.uint8)
    return _Enclosure(box, inside, box.centre, BOX_FILLED)


def _of_lasso(lasso: Lasso) -> _Enclosure:
    inside, box = lasso.inside, lasso.box
    return _Enclosure(box, inside, lasso.centre, LASSO_FILLED)


@lru_cache(64)
def _deepest(lasso: Lasso) -> Click:
    """Kept: each click that corrects its mask asks again."""
    x, y = deepest(lasso.inside.astype(bool)) or (0, 0)
    return Click(lasso.box.left + x, lasso.box.top + y, True, lasso.id)


def _looked_at(box: Box, image: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the box with its margin, as far as the image goes."""
    height, width = image.shape[:2]
    down = round(MARGIN * (box.bottom - box.top)) + 1
    across = round(MARGIN * (box.right - box.left)) + 1
    rows = slice(max(0, box.top - down), min(height, box.bottom + down))
    return rows, slice(max(0, box.left - across), min(width, box.right + across))

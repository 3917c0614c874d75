"""A box as the first prompt: what the network makes of it."""

from __future__ import annotations

import numpy as np

from click99.labelstudio.prompts import Box
from click99.segmentation.clicks import Click
from click99.segmentation.prior import Prior
from click99.sessions.refiner import Refiner
from click99.sessions.stores import State

MARGIN = 0.7  # looked at around the box, of its own size
STEPS = 2
FILLED = 0.6  # share of a box that its object takes as a rule


def box_key(box: Box) -> str:
    """The same for the same place only."""
    return f"Box(left={box.left}, top={box.top}, right={box.right}, bottom={box.bottom})"


def first_mask(box: Box, predictor: Refiner, image: np.ndarray, image_key: str) -> State:
    """The object's, 0 outside the box. image: uint8 RGB [H, W, 3].

    The network knows clicks, not boxes. So it is shown the box with a margin as if that were all of the
    image, and a click in the middle, twice, the second time with its first mask; what lies outside the
    box is dropped after each (measured against other ways in docs/experiments/boxes.md).
    """
    rows, columns = _looked_at(box, image)
    part = np.ascontiguousarray(image[rows, columns])
    inside = np.zeros(part.shape[:2], np.float32)
    top, left = box.top - rows.start, box.left - columns.start
    inside[top : box.bottom - rows.start, left : box.right - columns.start] = 1
    click = Click(box.centre.x - columns.start, box.centre.y - rows.start, True)
    name = f"{image_key} {box_key(box)}"
    prior = Prior((max(1, round(FILLED * inside.sum())),))
    answer = predictor.judged(part, [click], None, name, prior)
    for _ in range(STEPS - 1):
        answer = predictor.judged(part, [click], answer.alpha * inside, name)
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[rows, columns] = np.rint(answer.alpha * inside * 255)
    return State.of(mask, answer.quality)


def _looked_at(box: Box, image: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the box with its margin, as far as the image goes."""
    height, width = image.shape[:2]
    down = round(MARGIN * (box.bottom - box.top)) + 1
    across = round(MARGIN * (box.right - box.left)) + 1
    rows = slice(max(0, box.top - down), min(height, box.bottom + down))
    return rows, slice(max(0, box.left - across), min(width, box.right + across))

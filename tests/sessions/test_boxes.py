"""A box's first mask: inside it, made once, and looked for where the box is."""

from __future__ import annotations

import numpy as np
import pytest

from click99.labelstudio.prompts import Box
from click99.segmentation.clicks import Click
from click99.segmentation.prior import UNKNOWN
from click99.sessions import MemoryStore, Sessions
from click99.sessions.boxes import box_key
from tests.disc_painter import DiscPainter

IMAGE = np.zeros((48, 64, 3), np.uint8)


def sessions(painter: DiscPainter, store: MemoryStore | None = None) -> Sessions:
    return Sessions(painter, store or MemoryStore(1 << 20, 60))


@pytest.mark.parametrize(
    "box", [Box(10, 8, 30, 28), Box(0, 0, 64, 48), Box(60, 40, 64, 48), Box(5, 5, 6, 6), Box(0, 20, 64, 22)]
)
def test_the_mask_lies_around_the_middle_and_inside_the_box(box: Box):
    mask = sessions(DiscPainter()).box_mask("image", IMAGE, box).alpha
    rows, columns = np.nonzero(mask)
    assert box.top <= rows.min() <= box.centre.y <= rows.max() < box.bottom
    assert box.left <= columns.min() <= box.centre.x <= columns.max() < box.right
    distance = np.hypot(*(np.argwhere(mask) - (box.centre.y, box.centre.x)).T)
    assert distance.max() < DiscPainter.radius


def test_the_network_sees_the_box_with_a_margin_and_its_first_mask():
    seen = []

    class Watched(DiscPainter):
        def refine(self, image, clicks, previous, image_key, prior=UNKNOWN):
            seen.append((image.shape[:2], previous is not None, image_key))
            return super().refine(image, clicks, previous, image_key, prior)

    box = Box(20, 10, 40, 30)
    sessions(Watched()).box_mask("image", IMAGE, box)
    assert seen == [((45, 50), False, f"image {box_key(box)}"), ((45, 50), True, f"image {box_key(box)}")]


def test_it_is_made_once_and_after_a_restart_again_the_same():
    painter, store, box = DiscPainter(), MemoryStore(1 << 20, 60), Box(10, 8, 30, 28)
    first = sessions(painter, store).box_mask("image", IMAGE, box).alpha
    again = sessions(painter, store).box_mask("image", IMAGE, box).alpha
    steps = len(painter.steps)
    anew = sessions(painter).box_mask("image", IMAGE, box).alpha
    assert np.array_equal(first, again)
    assert np.array_equal(first, anew)
    assert steps == 2
    assert painter.steps[0] == (Click(19, 17, True),)


def test_other_boxes_are_other_masks():
    made = sessions(DiscPainter())
    one, other = (
        made.box_mask("image", IMAGE, box).alpha for box in (Box(10, 8, 30, 28), Box(12, 8, 30, 28))
    )
    assert not np.array_equal(one, other)

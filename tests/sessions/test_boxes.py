"""A box's first mask: inside it, made once, and looked for where the box is."""

from __future__ import annotations

import numpy as np
import pytest

from click99.labelstudio.prompts import Box
from click99.segmentation.clicks import Click
from click99.segmentation.prior import UNKNOWN
from click99.sessions import MemoryStore, Sessions
from click99.sessions.boxes import Lasso
from tests.disc_painter import DiscPainter

IMAGE = np.zeros((48, 64, 3), np.uint8)


def sessions(painter: DiscPainter, store: MemoryStore | None = None) -> Sessions:
    return Sessions(painter, store or MemoryStore(1 << 20, 60))


@pytest.mark.parametrize(
    "box", [Box(10, 8, 30, 28), Box(0, 0, 64, 48), Box(60, 40, 64, 48), Box(5, 5, 6, 6), Box(0, 20, 64, 22)]
)
def test_the_mask_lies_around_the_middle_and_inside_the_box(box: Box):
    mask = sessions(DiscPainter()).mask("image", IMAGE, [], box).alpha
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
    sessions(Watched()).mask("image", IMAGE, [], box)
    assert seen == [
        ((45, 50), False, f"image {box.name}"),
        ((45, 50), True, f"image {box.name}"),
    ]


def test_it_is_made_once_and_after_a_restart_again_the_same():
    painter, store, box = DiscPainter(), MemoryStore(1 << 20, 60), Box(10, 8, 30, 28)
    first = sessions(painter, store).mask("image", IMAGE, [], box).alpha
    again = sessions(painter, store).mask("image", IMAGE, [], box).alpha
    steps = len(painter.steps)
    anew = sessions(painter).mask("image", IMAGE, [], box).alpha
    assert np.array_equal(first, again)
    assert np.array_equal(first, anew)
    assert steps == 2
    assert painter.steps[0] == (Click(19, 17, True),)


def test_other_boxes_are_other_masks():
    made = sessions(DiscPainter())
    one, other = (
        made.mask("image", IMAGE, [], box).alpha for box in (Box(10, 8, 30, 28), Box(12, 8, 30, 28))
    )
    assert not np.array_equal(one, other)


TRIANGLE = Lasso(((10, 8), (30, 8), (10, 28)))


def test_a_lasso_s_mask_lies_around_its_deepest_place_and_within_the_line():
    painter = DiscPainter()
    mask = sessions(painter).mask("image", IMAGE, [], TRIANGLE).alpha
    rows, columns = np.nonzero(mask)
    assert rows.size
    assert ((columns - 10) + (rows - 8)).max() <= 20
    ((click,), _) = painter.steps
    assert (click.x, click.y) == (16, 14), "(2 - √2) · 10 = 5.9 from all three sides"


@pytest.mark.parametrize(
    "points", [((5, 5), (5, 5), (5, 5)), ((0, 0), (63, 0), (63, 47), (0, 47)), ((0, 20), (63, 20), (30, 20))]
)
def test_lassos_of_a_pixel_of_a_line_and_of_everything(points: tuple[tuple[int, int], ...]):
    mask = sessions(DiscPainter()).mask("image", IMAGE, [], Lasso(points)).alpha
    inside = Lasso(points).inside
    left, top = min(x for x, _ in points), min(y for _, y in points)
    outside = np.ones_like(mask, bool)
    outside[top : top + inside.shape[0], left : left + inside.shape[1]] = inside == 0
    assert not mask[outside].any()
    assert mask.any()


def test_the_same_lasso_is_made_once_and_another_is_another():
    store, painter = MemoryStore(1 << 20, 60), DiscPainter()
    made = sessions(painter, store)
    first = made.mask("image", IMAGE, [], TRIANGLE).alpha
    assert np.array_equal(made.mask("image", IMAGE, [], TRIANGLE).alpha, first)
    assert len(painter.steps) == 2
    other = TRIANGLE._replace(points=((10, 8), (30, 8), (30, 28)))
    assert not np.array_equal(made.mask("image", IMAGE, [], other).alpha, first)

"""A new object is expected to be about as large as the regions of its kind that its picture holds."""

from __future__ import annotations

import pytest

from click99.segmentation.prior import UNKNOWN
from tests.disc_painter import DiscPainter
from tests.server.annotator import Annotator
from tests.server.requests import Start


def first_object(start: Start, painter: DiscPainter, **settings) -> tuple[Annotator, int]:
    """An annotator whose first object is accepted, and its pixels."""
    ann = Annotator(start(**settings))
    ann.open()
    area = int(ann.click(12, 12).sum())
    assert painter.priors[-1] == UNKNOWN
    ann.accept()
    return ann, area


@pytest.mark.parametrize("slow_drafts", [False, True], ids=["saved", "not saved yet"])
def test_the_next_object_is_known_by_the_accepted_ones(start: Start, painter: DiscPainter, slow_drafts: bool):
    ann, area = first_object(start, painter)
    ann.slow_drafts = slow_drafts
    ann.click(50, 36)
    assert painter.priors[-1].areas == (area,)


def test_what_is_accepted_or_rejected_meanwhile_changes_nothing_for_it(start: Start, painter: DiscPainter):
    ann, area = first_object(start, painter)
    before = ann.click(50, 36)
    ann.canvas.pop(ann.regions[0])
    again = Annotator(start(), canvas=ann.canvas, pending=ann.pending, made=ann.made).click(44, 36)
    assert painter.priors[-1].areas == (area,)
    assert (again & before).any()


def test_a_region_that_is_refined_needs_no_sizes(start: Start, painter: DiscPainter):
    ann, _ = first_object(start, painter)
    ann.click(14, 14)
    assert painter.priors[-1] == UNKNOWN


def test_other_labels_tell_nothing(start: Start, painter: DiscPainter):
    ann, _ = first_object(start, painter)
    ann.label = "nucleus"
    ann.click(50, 36)
    assert painter.priors[-1] == UNKNOWN


def test_it_can_be_switched_off(start: Start, painter: DiscPainter):
    ann, _ = first_object(start, painter, memory="off")
    ann.click(50, 36)
    assert painter.priors[-1] == UNKNOWN


@pytest.mark.parametrize("overlap", [False, True])
def test_a_new_object_covers_what_is_kept_only_if_that_is_wanted(start: Start, overlap: bool):
    ann = Annotator(start(overlap=overlap, near_percent=0))
    ann.open()
    kept = ann.click(12, 20)
    ann.accept()
    shown = ann.click(30, 20)
    assert (shown & kept).any() == overlap
    assert shown[20, 30]
    ann.click(34, 20)
    ann.accept()
    assert len(ann.regions) == 2

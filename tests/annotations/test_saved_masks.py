"""Which clicks led to a saved mask, and which saved masks are wanted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from click99.annotations import answered_clicks
from click99.annotations.answered_clicks import AnsweredClick
from click99.annotations.database import Database
from click99.annotations.masks import Bits
from click99.annotations.saved_masks import MaskFilter, images_clicked_with, saved_masks
from click99.segmentation.clicks import Click
from tests.annotations.examples import NOON, answered_click, brush_item, deleted, disc, keep, saved


def record(database: Database, *answers: AnsweredClick) -> None:
    """In that order, a second apart."""
    for second, answer in enumerate(answers):
        with database.writing() as session:
            answered_clicks.write(session, replace(answer, asked_at=NOON + timedelta(seconds=second)))


def sequence(database: Database) -> list[str]:
    """The clicks of the only saved mask."""
    with database.reading() as session:
        (found,) = saved_masks(session, MaskFilter())
    return [click.click_id for click in found.clicks]


def ids(database: Database, wanted: MaskFilter) -> set[str]:
    with database.reading() as session:
        return {found.region.id for found in saved_masks(session, wanted)}


MOVED = [Click(0, 2, True, "a"), Click(7, 4, False, "b")]
START = Bits.pack(disc(3))
AGAIN = {"origin": "draft", "start": START}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([answered_click("a"), answered_click("ab")], "ab"),
        ([answered_click("abc")], "abc"),
        ([answered_click("a"), answered_click("ab"), answered_click("ac")], "ac"),
        ([answered_click("a"), answered_click("ab"), replace(answered_click("ab"), clicks=MOVED)], "ab"),
        ([answered_click("a"), answered_click("b"), answered_click("bc")], "bc"),
        ([answered_click("ab"), answered_click("c", **AGAIN), answered_click("cd", **AGAIN)], "abcd"),
        ([answered_click("ab"), answered_click("c", **AGAIN), answered_click("d", **AGAIN)], "abd"),
        ([answered_click("a"), answered_click("b", **AGAIN), answered_click("abc")], "abc"),
        ([], ""),
    ],
    ids=[
        "two",
        "all at once",
        "undone",
        "moved",
        "first deleted",
        "corrected later",
        "correction undone",
        "gone on with from nothing",
        "none",
    ],
)
def test_the_clicks_that_count(database: Database, answers: list[AnsweredClick], expected: str):
    record(database, *answers)
    keep(database, saved(brush_item(mask=disc(len(answers[-1].clicks) if answers else 2))))
    assert "".join(sequence(database)) == expected


@pytest.mark.parametrize("left", [1, 2])
def test_what_was_undone_last_does_not_count(database: Database, left: int):
    """With Auto-Accept nothing is asked at an undo."""
    record(database, answered_click("a"), answered_click("ab"), answered_click("abc"))
    keep(database, saved(brush_item(mask=disc(left))))
    assert "".join(sequence(database)) == "abc"[:left]


def test_a_moved_click_counts_where_it_went(database: Database):
    record(database, answered_click("a"), answered_click("ab"), replace(answered_click("ab"), clicks=MOVED))
    keep(database, saved(brush_item()))
    with database.reading() as session:
        (found,) = saved_masks(session, MaskFilter())
    assert [(click.x, click.y) for click in found.clicks] == [(0, 2), (7, 4)]


def test_what_is_deleted_skipped_or_without_mask_is_left_out(database: Database):
    keep(database, saved(brush_item("deleted"), number=1), deleted(1))
    keep(database, saved(brush_item("skipped"), number=2, was_cancelled=True))
    keep(database, saved(brush_item("broken", value={"rle": [1]}), brush_item("whole"), number=3))
    assert ids(database, MaskFilter()) == {"whole"}


@pytest.mark.parametrize(
    "wanted",
    [
        MaskFilter(project="1"),
        MaskFilter(project="1.1767225600"),
        MaskFilter(label="cell"),
        MaskFilter(annotator="4"),
        MaskFilter(since=NOON, until=NOON + timedelta(minutes=1)),
        MaskFilter(corrected=True),
    ],
    ids=str,
)
def test_filters(database: Database, wanted: MaskFilter):
    other = brush_item(
        "other", np.ones((6, 10), bool), value=brush_item()["value"] | {"brushlabels": ["dog"]}
    )
    keep(database, saved(brush_item("wanted", origin="prediction-changed")))
    body = saved(other, number=10, minute=5, completed_by=5)
    keep(database, body.replace(b'"project": {"id": 1', b'"project": {"id": 11'))
    assert ids(database, MaskFilter()) == {"wanted", "other"}
    assert ids(database, wanted) == {"wanted"}


def test_what_a_model_version_made_is_found_and_counted_by_pictures(database: Database):
    """Also a mask that another began; not what is deleted, nor clicks that nobody saved."""
    record(
        database,
        answered_click("a", "one"),
        answered_click("ab", "one", model_version="discs-2"),
        answered_click("a", "two", model_version="discs-2"),
        answered_click("a", "other"),
        answered_click("a", "gone", model_version="discs-2", image="/data/upload/b.png"),
        answered_click("a", "unsaved", model_version="discs-2", image="/data/upload/c.png"),
    )
    keep(database, saved(brush_item("one"), brush_item("two"), brush_item("other"), brush_item("by hand")))
    keep(database, saved(brush_item("gone"), number=1), deleted(1))
    assert ids(database, MaskFilter(version="discs-2")) == {"one", "two"}
    with database.reading() as session:
        counts = [images_clicked_with(session, version) for version in ("discs-2", "discs-1", "discs-3")]
    assert counts == [1, 1, 0]

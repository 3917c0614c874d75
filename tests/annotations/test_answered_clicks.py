"""Clicks in the record: each once, with the way that led to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sqlalchemy import select

from click99.annotations import answered_clicks, masks
from click99.annotations.answered_clicks import AnsweredClick, image_name
from click99.annotations.database import Database
from click99.annotations.masks import Bits
from click99.annotations.tables import ClickRow, MaskRow
from click99.segmentation.clicks import Click
from tests.annotations.examples import NOON, PROJECT_KEY, answered_click, disc


def record(database: Database, *answers: AnsweredClick) -> None:
    for answer in answers:
        with database.writing() as session:
            answered_clicks.write(session, answer)


def rows(database: Database) -> list[ClickRow]:
    """By place."""
    with database.reading() as session:
        return list(session.scalars(select(ClickRow).order_by(ClickRow.place, ClickRow.click_id)))


def mask_of(database: Database, key: str | None) -> np.ndarray:
    assert key
    with database.reading() as session:
        return masks.pixels(session.get_one(MaskRow, key))


def test_a_click_keeps_all_that_is_known_of_it(database: Database):
    record(database, answered_click("a"), answered_click("ab"))
    first, second = rows(database)
    assert (second.project, second.task, second.region, second.label) == (PROJECT_KEY, "3", "object", "cell")
    assert (second.click_id, second.x, second.y, second.positive) == ("b", 1, 2, False)
    assert (second.model_version, second.milliseconds, second.asked_at) == ("discs-1", 42.0, NOON)
    assert (first.origin, second.origin, second.parent) == ("nothing", "click", first.state)
    assert np.array_equal(mask_of(database, second.mask), disc(2))
    assert second.image == "/data/upload/a.png"


def test_a_correction_keeps_what_it_started_from(database: Database):
    drawn = np.eye(6, 10, dtype=bool)
    record(database, answered_click("a", origin="draft", start=Bits.pack(drawn)))
    (click,) = rows(database)
    assert click.origin == "draft"
    assert np.array_equal(mask_of(database, click.start), drawn)


def test_a_box_is_kept(database: Database):
    record(database, answered_click("a", origin="box", box=(1, 2, 8, 5)))
    (click,) = rows(database)
    assert (click.origin, click.box) == ("box", "1 2 8 5")


def test_an_answer_given_twice_is_kept_once(database: Database):
    record(database, answered_click("a"), answered_click("a", milliseconds=999.0))
    (click,) = rows(database)
    assert click.milliseconds == 41.0


def test_lost_clicks_come_with_the_next_one(database: Database):
    record(database, answered_click("abc"))
    assert [click.click_id for click in rows(database)] == ["a", "b", "c"]
    assert [click.mask is None for click in rows(database)] == [True, True, False]


def test_a_click_that_comes_late_gets_its_mask(database: Database):
    record(database, answered_click("ab"), answered_click("a"))
    first, second = rows(database)
    assert (first.milliseconds, second.milliseconds) == (41.0, 42.0)
    assert np.array_equal(mask_of(database, first.mask), disc(1))


def test_undone_and_moved_clicks_stay(database: Database):
    moved = replace(answered_click("ab"), clicks=[Click(0, 2, True, "a"), Click(7, 4, False, "b")])
    record(database, answered_click("a"), answered_click("ab"), moved, answered_click("ac"))
    first, *seconds = rows(database)
    assert {(click.click_id, click.x) for click in seconds} == {("b", 1), ("b", 7), ("c", 1)}
    assert {click.parent for click in seconds} == {first.state}


@pytest.mark.parametrize(
    "changes", [{"region": "another"}, {"task": "4"}, {"project": "2.1"}, {"model_version": "discs-2"}]
)
def test_objects_with_the_same_clicks_are_kept_apart(database: Database, changes: dict[str, str]):
    record(database, answered_click("a"), answered_click("a", **changes))
    assert len(rows(database)) == 2


def test_a_mask_that_comes_often_is_kept_once(database: Database):
    record(database, answered_click("a"), answered_click("b"))
    with database.reading() as session:
        assert len(list(session.scalars(select(MaskRow)))) == 1


@pytest.mark.slow("many random masks")
@given(arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_any_mask_comes_back_as_it_was(mask: np.ndarray):
    bits = Bits.pack(mask)
    kept = MaskRow(key=bits.key, height=bits.height, width=bits.width, png=bits.png())
    assert np.array_equal(masks.pixels(kept), mask)


def test_masks_of_the_same_bits_and_another_shape_have_keys_of_their_own():
    assert Bits.pack(np.ones((2, 8), bool)).key != Bits.pack(np.ones((1, 16), bool)).key


def test_an_address_that_is_the_picture_itself_is_kept_by_its_hash():
    picture = "data:image/png;base64," + "A" * 10**6
    assert len(image_name(picture)) < 100
    assert image_name(picture) != image_name(picture + "A")
    assert image_name("http://host/a.png") == "http://host/a.png"


@pytest.mark.parametrize("field", ["project", "task", "region", "label", "image"])
def test_what_waits_for_the_record_is_counted_with_its_texts(field: str):
    """They may be as long as a request."""
    click = answered_click("a")
    assert replace(click, **{field: "x" * 10**6}).size - click.size > 10**6 - 100

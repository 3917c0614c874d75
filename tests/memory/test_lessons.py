"""Which masks teach: the newest that people accepted or drew, as they are now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from click99.annotations import answered_clicks
from click99.annotations.database import Database
from click99.annotations.tables import LessonRow
from click99.memory import lessons
from click99.memory.lessons import drop, due, forget, lessons_of, stale, stamps
from tests.annotations.examples import (
    NOON,
    PROJECT_KEY,
    answered_click,
    brush_item,
    deleted,
    disc,
    keep,
    saved,
)

VERSION = "discs-1"


def drawn(region: str = "object", label: str = "cell", **changes: Any) -> dict[str, Any]:
    item = brush_item(region, origin="manual", **changes)
    item["value"]["brushlabels"] = [label]
    return item


def learn(database: Database) -> list[str]:
    """As a learner would: what is due is learnt, what is stale goes. The regions that were due."""
    with database.writing() as session:
        drop(session, VERSION, stale(session, VERSION))
        found = due(session, VERSION, 100)
        for mask in found:
            keys = {"project": mask.region.project, "annotation": mask.region.annotation}
            keys |= {"region": mask.region.id, "label": mask.region.label, "mask": mask.region.mask}
            told = {"version": VERSION, "network": VERSION, "size": 0.1, "choice": "none"}
            lessons.keep(session, LessonRow(**keys, **told, saved_at=mask.annotation.updated_at))
        return [mask.region.id for mask in found]


def learnt(database: Database, version: str = VERSION) -> list[tuple[str, str]]:
    """(annotation, label) of each lesson."""
    with database.reading() as session:
        rows = session.scalars(select(LessonRow).filter_by(version=version)).all()
        return sorted((row.annotation, row.label) for row in rows)


def test_a_mask_is_due_once(database: Database):
    keep(database, saved(drawn()))
    assert learn(database) == ["object"]
    assert learn(database) == []
    with database.reading() as session:
        assert len(due(session, "the next version", 100)) == 1


def test_what_was_clicked_and_accepted_teaches_with_its_clicks(database: Database):
    with database.writing() as session:
        answered_clicks.write(session, answered_click("ab"))
    keep(database, saved(brush_item()))
    with database.reading() as session:
        (mask,) = due(session, VERSION, 100)
        assert [click.click_id for click in mask.clicks] == ["a", "b"]
        assert mask.images == ("/data/upload/a.png",)


def test_a_prediction_that_nobody_touched_does_not(database: Database):
    keep(database, saved(brush_item()))
    assert learn(database) == []


@pytest.mark.parametrize(
    "later",
    [
        deleted(),
        saved(drawn(), minute=1, was_cancelled=True),
        saved(minute=1),
        saved(drawn("another"), minute=1),
    ],
    ids=["deleted", "skipped", "emptied", "replaced"],
)
def test_what_is_gone_is_forgotten(database: Database, later: bytes):
    keep(database, saved(drawn()))
    learn(database)
    keep(database, later)
    learn(database)
    with database.reading() as session:
        assert "object" not in [row.region for row in lessons_of(session, PROJECT_KEY, "cell", VERSION)]


@pytest.mark.parametrize("change", [{"label": "nucleus"}, {"mask": disc(3)}], ids=["label", "mask"])
def test_what_is_changed_is_learnt_anew(database: Database, change: dict[str, Any]):
    keep(database, saved(drawn()))
    learn(database)
    keep(database, saved(drawn(**change), minute=1))
    assert learn(database) == ["object"]
    assert learnt(database) == [("9", change.get("label", "cell"))]


def test_an_annotation_saved_again_as_it_was_is_not_learnt_again(database: Database):
    keep(database, saved(drawn()), saved(drawn(), minute=5, lead_time=9))
    learn(database)
    keep(database, saved(drawn(), minute=6))
    assert learn(database) == []


def test_only_the_newest_masks_of_a_label_are_kept(database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lessons, "KEPT", 2)
    for number in (1, 2):
        keep(database, saved(drawn(), number=number, minute=number))
    assert len(learn(database)) == 2
    keep(database, saved(drawn(), number=3, minute=3), saved(drawn(label="nucleus"), number=4, minute=4))
    learn(database)
    assert learnt(database) == [("2", "cell"), ("3", "cell"), ("4", "nucleus")]


def test_what_was_forgotten_stays_forgotten_until_something_new_is_saved(database: Database):
    keep(database, saved(drawn(), number=1), saved(drawn(label="nucleus"), number=2))
    learn(database)
    with database.writing() as session:
        assert forget(session, PROJECT_KEY, "cell", NOON + timedelta(minutes=1)) == 1
    assert learn(database) == []
    assert learnt(database) == [("2", "nucleus")]
    keep(database, saved(drawn(), number=3, minute=2))
    assert learn(database) == ["object"]


def test_forgetting_twice_is_forgetting(database: Database):
    keep(database, saved(drawn(), minute=5))
    for minute in (1, 9):
        with database.writing() as session:
            forget(session, PROJECT_KEY, "cell", NOON + timedelta(minutes=minute))
    assert learn(database) == []


def test_what_a_clock_that_is_ahead_has_saved_is_forgotten_too(database: Database):
    keep(database, saved(drawn(), number=1, minute=50))
    learn(database)
    with database.writing() as session:
        assert forget(session, PROJECT_KEY, "cell", NOON) == 1
    assert learn(database) == []
    keep(database, saved(drawn(), number=2, minute=51))
    assert learn(database) == ["object"]


def test_a_clock_that_jumps_back_hides_new_masks_from_no_one(database: Database):
    keep(database, saved(drawn(), number=1, minute=50), saved(drawn(), number=2, minute=1))
    assert len(learn(database)) == 2


def test_a_label_that_is_renamed_in_the_config_begins_anew_and_the_old_one_stays(database: Database):
    keep(database, saved(drawn(), number=1))
    learn(database)
    keep(database, saved(drawn(label="big cell"), number=2, minute=1))
    learn(database)
    assert learnt(database) == [("1", "cell"), ("2", "big cell")]


def test_an_event_that_arrives_late_teaches_as_if_it_had_been_in_time(database: Database):
    early, late = saved(drawn(), number=1, minute=1), saved(drawn(), number=2, minute=2)
    keep(database, late)
    learn(database)
    keep(database, early)
    learn(database)
    with database.reading() as session:
        found = lessons_of(session, PROJECT_KEY, "cell", VERSION)
        assert [lesson.annotation for lesson in found] == ["1", "2"], "by when they were saved"


def test_stamps_change_with_what_is_learnt(database: Database):
    def stamp() -> dict[tuple[str, str], Any]:
        with database.reading() as session:
            return stamps(session, VERSION, 10)

    assert stamp() == {}
    keep(database, saved(drawn()))
    learn(database)
    first = stamp()
    assert list(first) == [(PROJECT_KEY, "cell")]
    keep(database, saved(drawn(mask=disc(3)), minute=1))
    learn(database)
    assert stamp() != first


@pytest.fixture
def many(database: Database) -> Callable[[int, int], None]:
    """many(masks, labels): so many drawn masks, all alike."""
    from click99.annotations.tables import AnnotationRow, MaskRow, RegionRow

    def many(masks: int, labels: int) -> None:
        with database.writing() as session:
            session.add(MaskRow(key="m", height=1, width=1, png=b""))
            session.flush()
            for table, rows in (
                (AnnotationRow, [_annotation(k) for k in range(masks)]),
                (RegionRow, [_region(k, labels) for k in range(masks)]),
            ):
                session.execute(table.__table__.insert(), rows)  # pyright: ignore

    return many


def _annotation(k: int) -> dict[str, Any]:
    return {"project": "1", "id": str(k), "updated_at": NOON + timedelta(seconds=k), "cancelled": False}


def _region(k: int, labels: int) -> dict[str, Any]:
    label = f"label {k % labels}"
    return {"project": "1", "annotation": str(k), "id": "r", "kind": "brushlabels", "origin": "manual"} | {
        "label": label,
        "mask": "m",
    }


def test_a_long_record_is_read_by_its_newest_masks(database: Database, many: Callable[[int, int], None]):
    many(2000, 3)
    with database.reading() as session:
        found = due(session, VERSION, 10_000)
    assert len(found) == 3 * lessons.KEPT
    assert found[-1].annotation.id == "1999"

"""What no event told of is found, and what is gone gets its tombstone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from click99.annotations import comparison
from click99.annotations.comparison import differences
from click99.annotations.database import Database, sqlite_url
from click99.annotations.events import keep_event
from click99.annotations.tables import AnnotationRow, EventRow, RegionRow
from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError
from tests.annotations.api import Api
from tests.annotations.examples import NOON, brush_item, saved


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path))


def synced(address: str, database: Database) -> tuple[int, int]:
    """Annotations found new or changed, and deleted."""
    found = list(differences(Client(address, "key"), database))
    return sum(task.saved for task in found), sum(task.deleted for task in found)


def deletions(database: Database) -> dict[str, bool]:
    """Whether each is deleted."""
    with database.reading() as session:
        return {row.id: bool(row.deleted_at) for row in session.scalars(select(AnnotationRow))}


def test_missed_annotations_are_found(api: Api, address: str, database: Database):
    api.save(3, 9)
    api.save(4, 10)
    assert synced(address, database) == (2, 0)
    assert deletions(database) == {"9": False, "10": False}
    with database.reading() as session:
        assert {event.action for event in session.scalars(select(EventRow))} == {"SYNCED"}
        assert {region.id for region in session.scalars(select(RegionRow))} == {"object"}


def test_what_is_known_is_not_asked_for_again(api: Api, address: str, database: Database):
    api.save(3, 9)
    synced(address, database)
    api.asked.clear()
    assert synced(address, database) == (0, 0)
    assert "/api/tasks/3" not in api.asked


def test_what_the_webhook_told_is_no_gap(api: Api, address: str, database: Database):
    api.save(3, 9)
    with database.writing() as session:
        keep_event(session, saved(brush_item()), NOON)
    assert synced(address, database) == (0, 0)


def test_a_skipped_task_is_found_and_not_taken_for_deleted(api: Api, address: str, database: Database):
    api.save(3, 9, skipped=True)
    assert synced(address, database) == (1, 0)
    api.save(3, 10)
    assert synced(address, database) == (1, 0)
    assert deletions(database) == {"9": False, "10": False}


def test_changes_are_found(api: Api, address: str, database: Database):
    api.save(3, 9)
    synced(address, database)
    api.save(3, 9, minute=4)
    assert synced(address, database) == (1, 0)


def test_a_deleted_annotation_is_found_whether_its_task_says_so_or_not(
    api: Api, address: str, database: Database
):
    api.save(3, 9)
    api.save(3, 10)
    synced(address, database)
    api.tasks[3].pop()
    assert synced(address, database) == (0, 1)
    assert deletions(database) == {"9": False, "10": True}


@pytest.mark.parametrize("question", ["/api/tasks", "/api/tasks/3"])
def test_what_an_event_tells_of_meanwhile_is_not_taken_for_deleted(
    api: Api, address: str, database: Database, question: str
):
    api.tasks[3], api.times[3] = [], 1
    if question == "/api/tasks/3":
        api.save(3, 10)

    def save_and_tell() -> None:
        api.save(3, 9)
        with database.writing() as session:
            keep_event(session, saved(brush_item()), NOON)

    api.meanwhile[question] = save_and_tell
    assert synced(address, database)[1] == 0
    assert deletions(database)["9"] is False
    assert not api.meanwhile


def test_an_annotation_of_no_time_holds_up_no_other(api: Api, address: str, database: Database):
    api.save(3, 9)
    api.tasks[3][0]["updated_at"] = "0001-01-01T00:00:00+14:00"
    api.save(4, 10)
    synced(address, database)
    assert deletions(database) == {"10": False}
    with database.reading() as session:
        (problem,) = filter(None, session.scalars(select(EventRow.problem)))
    assert "updated_at" in problem


def test_a_deleted_task_is_found(api: Api, address: str, database: Database):
    api.save(3, 9)
    synced(address, database)
    del api.tasks[3]
    assert synced(address, database) == (0, 1)
    assert deletions(database) == {"9": True}


def test_a_task_that_is_only_missing_in_the_list_is_not_taken_for_deleted(
    api: Api, address: str, database: Database
):
    api.save(3, 9)
    synced(address, database)
    api.hidden.add(3)
    assert synced(address, database) == (0, 0)
    assert deletions(database) == {"9": False}


def test_every_page_is_read(api: Api, address: str, database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comparison, "PAGE", 2)
    for task in range(5):
        api.save(task, task)
    assert synced(address, database) == (5, 0)


def test_a_label_studio_that_is_away_is_named(database: Database):
    with pytest.raises(ApiError, match="does not answer"):
        synced("http://127.0.0.1:1", database)


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        ("/api/projects", {}),
        ("/api/projects", []),
        ("/api/projects", "welcome"),
        ("/api/projects", {"count": 1, "results": ["cells"]}),
        ("/api/projects", {"count": 1, "results": [{"title": "cells"}]}),
        ("/api/tasks", {"total": 1, "tasks": None}),
        ("/api/tasks", {"total": 1, "tasks": [{"id": 3}]}),
        ("/api/tasks/3", {"id": 3}),
    ],
    ids=str,
)
def test_what_is_not_label_studio_is_named(
    api: Api, address: str, database: Database, path: str, reply: object
):
    api.save(3, 9)
    api.instead[path] = reply
    with pytest.raises(ApiError, match=rf"^LABEL_STUDIO_URL: GET {path} is not answered as by Label Studio"):
        synced(address, database)


def test_a_page_of_no_projects_is_the_last(api: Api, address: str, database: Database):
    api.instead["/api/projects"] = {"count": 3, "results": []}
    assert synced(address, database) == (0, 0)

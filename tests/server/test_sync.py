"""`click99 sync`: what no event told of is found, and what is gone gets its tombstone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from click99.annotations import sync
from click99.annotations.database import Database, sqlite_url
from click99.annotations.events import keep_event
from click99.annotations.sync import compare
from click99.annotations.tables import AnnotationRow, EventRow, RegionRow
from click99.cli import app
from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiError
from click99.server.sync import RegularSync
from tests.annotations.conftest import NOON, PROJECT, brush_item, saved


class Api:
    """The part of Label Studio's API that is asked, over tasks that a test may change."""

    def __init__(self) -> None:
        self.tasks: dict[int, list[dict[str, Any]]] = {}
        self.times: dict[int, int] = {}
        self.hidden: set[int] = set()  # tasks that the list of tasks forgets
        self.asked: list[str] = []
        self.meanwhile: dict[
            str, Callable[[], None]
        ] = {}  # path -> what happens while its reply is on its way

    def save(self, task: int, number: int, minute: int = 0, skipped: bool = False) -> None:
        event = saved(brush_item(), number=number, minute=minute, was_cancelled=skipped)
        annotation = json.loads(event)["annotation"]
        others = [known for known in self.tasks.get(task, []) if known["id"] != number]
        self.tasks[task] = [*others, annotation | {"task": task}]
        self.times[task] = self.times.get(task, 0) + 1

    def answer(self, url: str) -> Any:
        """None: there is no such thing."""
        path, asked = urlsplit(url).path.rstrip("/"), parse_qs(urlsplit(url).query)
        self.asked.append(path)
        parts = path.split("/")[2:]
        if parts == ["projects"]:
            return {"count": 1, "results": [PROJECT | {"title": "cells"}]}
        if parts == ["tasks"]:
            shown = sorted(self.tasks.keys() - self.hidden)
            first = (int(asked["page"][0]) - 1) * int(asked["page_size"][0])
            page = shown[first : first + int(asked["page_size"][0])]
            return {"total": len(shown), "tasks": [self._task(task) for task in page]}
        task = int(parts[1])
        if task not in self.tasks:
            return None
        return self._task(task) | {"annotations": self.tasks[task]}

    def _task(self, task: int) -> dict[str, Any]:
        return {
            "id": task,
            "data": {"image": f"/data/{task}.png"},
            "updated_at": f"2026-01-01T00:00:{self.times[task]:02}.5Z",
            "total_annotations": sum(not a["was_cancelled"] for a in self.tasks[task]),
            "cancelled_annotations": sum(a["was_cancelled"] for a in self.tasks[task]),
        }


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def address(api: Api) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = deepcopy(api.answer(self.path))
            api.meanwhile.pop(api.asked[-1], lambda: None)()
            content = json.dumps(reply).encode()
            self.send_response(404 if reply is None else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path))


def synced(address: str, database: Database) -> tuple[int, int]:
    """Annotations found new or changed, and deleted."""
    found = list(compare(Client(address, "key"), database))
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
    monkeypatch.setattr(sync, "PAGE", 2)
    for task in range(5):
        api.save(task, task)
    assert synced(address, database) == (5, 0)


def test_a_label_studio_that_is_away_is_named(database: Database):
    with pytest.raises(ApiError, match="does not answer"):
        synced("http://127.0.0.1:1", database)


def test_the_server_compares_when_it_is_due(api: Api, address: str, database: Database):
    api.save(3, 9)
    workers = [RegularSync(database, lambda: Client(address, "key"), minutes=30) for _ in range(2)]
    for worker in workers:
        worker.look()
    assert api.asked.count("/api/projects") == 1
    assert deletions(database) == {"9": False}


def test_nothing_is_compared_while_label_studio_is_unknown(api: Api, address: str, database: Database):
    RegularSync(database, lambda: None, minutes=30).look()
    RegularSync(database, lambda: Client(address, "key"), minutes=30).look()
    assert api.asked.count("/api/projects") == 1


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner(env={"COLUMNS": "300"}).invoke(app, ["sync", *arguments])
    return result.exit_code, result.output


def test_the_command_says_what_it_found(api: Api, address: str, database: Database, tmp_path: Path):
    api.save(3, 9)
    given = ["--home", str(tmp_path), "--label-studio-url", address, "--label-studio-api-key", "key"]
    code, shown = invoke(*given)
    assert code == 0, shown
    assert "1 tasks compared: 1 annotations new or changed, 0 deleted" in shown
    code, shown = invoke(*given, "--project", "1")
    assert code == 0, shown
    assert "1 tasks compared: 0 annotations new or changed, 0 deleted" in shown


def test_the_command_imports_an_export(tmp_path: Path, database: Database):
    annotation = json.loads(saved(brush_item()))["annotation"]
    task = {"id": 3, "project": 1, "data": {}, "annotations": [annotation]}
    (tmp_path / "export.json").write_text(json.dumps([task]))
    code, shown = invoke("--home", str(tmp_path), "--export", str(tmp_path / "export.json"))
    assert (code, "1 annotations recorded" in shown) == (0, True)
    assert deletions(database) == {"9": False}


@pytest.mark.parametrize(
    ("arguments", "named"), [([], "LABEL_STUDIO_URL"), (["--export", "nothing.csv"], "nothing.csv")]
)
def test_the_command_names_what_is_wrong(tmp_path: Path, arguments: list[str], named: str):
    code, shown = invoke("--home", str(tmp_path), *arguments)
    assert code == 2
    assert named in shown

"""The recorder: off the click's path, loud when the database fails, and nothing is lost when it is back."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import signal
import sqlite3
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from click99.annotations.database import Database, sqlite_url
from click99.annotations.recorder import Recorder
from click99.annotations.tables import AnnotationRow, ClickRow, EventRow, RecordRow
from click99.segmentation.clicks import Click
from tests.annotations.examples import Watching, answered_click, brush_item, saved
from tests.postgresql_server import PostgresqlServer
from tests.waiting import until


@contextmanager
def recording(database: Database, home: Path, watch: Watching | None = None) -> Iterator[Recorder]:
    recorder = Recorder(database, home, watch or Watching())
    recorder.start()
    yield recorder
    recorder.close()


def count(database: Database, table: type[RecordRow]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_clicks_and_events_are_written(database: Database, tmp_path: Path):
    with recording(database, tmp_path) as recorder:
        recorder.click(answered_click("a"))
        recorder.event(saved(brush_item()))
    assert (count(database, ClickRow), count(database, AnnotationRow)) == (1, 1)
    assert list((tmp_path / "events").iterdir()) == []


def test_closing_writes_what_waits(database: Database, tmp_path: Path):
    with recording(database, tmp_path) as recorder:
        for number in range(20):
            recorder.click(answered_click("a", region=f"object {number}"))
    assert count(database, ClickRow) == 20


def test_events_that_another_process_left_are_written(database: Database, tmp_path: Path):
    Recorder(database, tmp_path, Watching()).event(saved(brush_item()))
    assert count(database, EventRow) == 0
    with recording(database, tmp_path):
        until(lambda: count(database, EventRow) == 1)


def test_a_locked_database_is_loud_and_recovers(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    database, watch = Database(sqlite_url(tmp_path), busy_seconds=0.1), Watching()
    assert count(database, ClickRow) == 0
    other = sqlite3.connect(tmp_path / "click99.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with recording(database, tmp_path, watch) as recorder:
        begun = time.perf_counter()
        recorder.click(answered_click("a"))
        recorder.event(saved(brush_item()))
        took = time.perf_counter() - begun
        until(lambda: (1, 1) in watch.waits)
        assert took < 0.1, "neither waited for the database"
        assert True in watch.failures
        assert "database is locked" in caplog.text
        other.execute("ROLLBACK")
        until(lambda: count(database, EventRow) == 1)
        until(lambda: watch.failures[-1] is False)
    assert count(database, ClickRow) == 1
    assert caplog.text.count("can't be written") == 1
    assert "can be written again" in caplog.text


@pytest.mark.slow("waits for a disk")
def test_a_full_disk_is_loud_and_recovers(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """The file may not grow, which SQLite reports as it does a full disk."""
    database, watch, pages = Database(sqlite_url(tmp_path)), Watching(), {"most": 0}
    assert count(database, ClickRow) == 0
    database.engine.dispose()
    event.listen(
        database.engine, "begin", lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages['most']}")
    )
    pages["most"] = 1
    with recording(database, tmp_path, watch) as recorder:
        for number in range(40):
            recorder.event(saved(brush_item(), number=number, extra="x" * 2000))
        recorder.click(answered_click("a"))
        until(lambda: True in watch.failures)
        assert "database or disk is full" in caplog.text
        pages["most"] = 10**6
        until(lambda: count(database, EventRow) == 40)
    assert count(database, ClickRow) == 1


@pytest.mark.slow("a PostgreSQL stops and starts")
def test_a_postgresql_that_goes_away_is_loud_and_recovers(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with PostgresqlServer() as server, closing(Database(server.new_database())) as database:
        watch = Watching()
        assert count(database, ClickRow) == 0
        with recording(database, tmp_path, watch) as recorder:
            server.stop()
            recorder.click(answered_click("a"))
            recorder.event(saved(brush_item()))
            until(lambda: True in watch.failures)
            assert "The record can't be written" in caplog.text
            server.start()
            until(lambda: watch.failures[-1] is False)
        assert (count(database, ClickRow), count(database, EventRow)) == (1, 1)


def test_without_a_column_all_waits_until_there_is_one(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    assert count(database, ClickRow) == 0
    url, watch = database.engine.url.render_as_string(hide_password=False), Watching()
    with (
        closing(Database(url, upgrades=False)) as careful,
        recording(careful, tmp_path, watch) as recorder,
    ):
        recorder.click(answered_click("a"))
        until(lambda: count(database, ClickRow) == 1)
        with database.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE clicks DROP COLUMN label")
        recorder.click(answered_click("b", region="next"))
        recorder.event(saved(brush_item()))
        until(lambda: "it lacks clicks.label. Run click99 db upgrade" in caplog.text)
        assert True in watch.failures
        database.upgrade()
        until(lambda: watch.failures[-1] is False)
    assert (count(database, ClickRow), count(database, EventRow), watch.aside) == (2, 1, [])


def test_a_full_queue_refuses_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    watch, one = Watching(), answered_click("a")
    recorder = Recorder(Database(sqlite_url(tmp_path)), tmp_path, watch, max_waiting=one.size)
    recorder.click(one)
    recorder.click(answered_click("b", region="another"))
    assert watch.losses == 1
    assert "region another is not recorded" in caplog.text


LONG = "".join(random.Random(0).choices(string.ascii_letters, k=12_000))  # more than fits into an index
POSTGRESQL_ONLY = "SQLite takes it"
CLICKS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"origin": None}, "NOT NULL|not-null"),
    "before all time": (
        {"asked_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))},
        "out of range",
    ),
    "more than 64 bits": ({"clicks": [Click(2**63, 0, True, "a")]}, "too large|out of range"),
    "half a character": ({"label": "\ud800"}, "surrogates"),
    "NUL": ({"label": "a\0b"}, POSTGRESQL_ONLY),
    "a long region": ({"region": LONG}, POSTGRESQL_ONLY),
    "a long project": ({"project": LONG}, POSTGRESQL_ONLY),
    "more than 32 bits": ({"clicks": [Click(2**31, 0, True, "a")]}, POSTGRESQL_ONLY),
}


@pytest.mark.parametrize(("changes", "why"), CLICKS.values(), ids=CLICKS.keys())
def test_a_click_that_the_record_cannot_hold_is_set_aside(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], why: str
):
    odd, watch = replace(answered_click("a"), **changes), Watching()
    with recording(database, tmp_path, watch) as recorder:
        recorder.click(odd)
        recorder.click(answered_click("b", region="next"))
    assert True not in watch.failures
    if why == POSTGRESQL_ONLY and database.engine.dialect.name == "sqlite":
        assert (count(database, ClickRow), watch.aside) == (2, [])
        return
    assert (count(database, ClickRow), watch.aside) == (1, ["click"])
    (file,) = (tmp_path / "set-aside").iterdir()
    kept = json.loads(file.read_text())
    assert (kept["kind"], kept["region"], kept["label"]) == ("click", odd.region, odd.label)
    assert base64.b64decode(kept["mask"]["rows"]) == odd.mask.rows
    assert why == POSTGRESQL_ONLY or re.search(why, kept["reason"])
    assert f"click of region {odd.region!r}"[:60] in caplog.text


EVENTS: dict[str, tuple[bytes, str]] = {
    "before all time": (saved(updated_at="0001-01-01T00:00:00+14:00"), "out of range"),
    "after all time": (saved(created_at="9999-12-31T23:59:59-14:00"), "out of range"),
    "NUL": (saved(id="a\0b"), POSTGRESQL_ONLY),
    "a long id": (saved(id=LONG), POSTGRESQL_ONLY),
    "a region's long id": (saved(brush_item(LONG)), POSTGRESQL_ONLY),
    "a region's NUL": (saved(brush_item("a\0b")), POSTGRESQL_ONLY),
}


@pytest.mark.parametrize(("odd", "why"), EVENTS.values(), ids=EVENTS.keys())
def test_an_event_that_tells_what_no_table_holds_is_kept_unread(
    database: Database, tmp_path: Path, odd: bytes, why: str
):
    watch = Watching()
    with recording(database, tmp_path, watch) as recorder:
        recorder.event(odd)
        recorder.event(saved(brush_item("next"), number=10))
    assert True not in watch.failures
    assert list((tmp_path / "events").iterdir()) == []
    with database.reading() as session:
        events = {event.body: event.problem for event in session.scalars(select(EventRow))}
        annotations = set(session.scalars(select(AnnotationRow.id)))
    if why == POSTGRESQL_ONLY and database.engine.dialect.name == "sqlite":
        assert (len(annotations), watch.aside) == (2, [])
        return
    assert (annotations, watch.aside) == ({"10"}, ["event"])
    assert why == POSTGRESQL_ONLY or re.search(why, events[odd] or "")
    assert events[odd]


def test_an_event_that_the_record_does_not_take_at_all_is_set_aside(database: Database, tmp_path: Path):
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "of no time.json").write_bytes(saved())
    watch = Watching()
    with recording(database, tmp_path, watch) as recorder:
        recorder.event(saved(number=10))
    assert (count(database, EventRow), watch.aside) == (1, ["event"])
    (file,) = (tmp_path / "set-aside").iterdir()
    assert base64.b64decode(json.loads(file.read_text())["body"]) == saved()


def test_what_cannot_be_set_aside_waits(tmp_path: Path):
    """Nothing is thrown away because the disk is full."""
    (tmp_path / "set-aside").touch()
    database, watch = Database(sqlite_url(tmp_path)), Watching()
    with recording(database, tmp_path, watch) as recorder:
        recorder.click(answered_click("a", origin=None))
        until(lambda: True in watch.failures)
        (tmp_path / "set-aside").unlink()
        until(lambda: watch.aside == ["click"])


def test_an_event_that_the_disk_does_not_take_is_an_error(tmp_path: Path):
    (tmp_path / "events").touch()
    recorder = Recorder(Database(sqlite_url(tmp_path)), tmp_path, Watching())
    with pytest.raises(OSError, match="events"):
        recorder.event(b"{}")


KILLED = """
import os, sys
from pathlib import Path
from click99.annotations.database import Database, sqlite_url
from click99.annotations.recorder import Recorder
from tests.annotations.examples import Watching, brush_item, answered_click, saved
home = Path(sys.argv[1])
recorder = Recorder(Database(sqlite_url(home)), home, Watching())
recorder.click(answered_click("a"))
recorder.event(saved(brush_item()))
print("taken", flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow("starts a process")
def test_killed_before_anything_was_written(tmp_path: Path):
    """The event comes from the disk, the click with the object's next one."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path], capture_output=True, text=True, env=os.environ
    )
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "taken\n"), killed.stderr
    database = Database(sqlite_url(tmp_path))
    with recording(database, tmp_path) as recorder:
        recorder.click(answered_click("ab"))
    with database.reading() as session:
        assert list(session.scalars(select(ClickRow.click_id).order_by(ClickRow.place))) == ["a", "b"]
    assert count(database, AnnotationRow) == 1

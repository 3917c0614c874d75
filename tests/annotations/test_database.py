"""The database: addresses, and what a transaction promises."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from click99.annotations.database import Database, insert_new, sqlite_url
from click99.annotations.tables import TaskRow
from tests.postgresql_server import PostgresqlServer


def tasks(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(TaskRow.id)))


def add(database: Database, task: str) -> bool:
    with database.writing() as session:
        return insert_new(session, TaskRow, {"project": "1", "id": task})


def test_a_row_is_added_once(database: Database):
    assert [add(database, "3"), add(database, "3"), add(database, "4")] == [True, False, True]
    assert tasks(database) == ["3", "4"]


def test_all_of_a_transaction_is_kept_or_nothing(database: Database):
    def fail() -> None:
        with database.writing() as session:
            insert_new(session, TaskRow, {"project": "1", "id": "3"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert tasks(database) == []


def test_a_reader_sees_one_state_and_blocks_no_writer(tmp_path: Path):
    database = Database(sqlite_url(tmp_path), busy_seconds=0.1)
    add(database, "3")
    with database.reading() as session:
        before = list(session.scalars(select(TaskRow.id)))
        add(database, "4")
        assert list(session.scalars(select(TaskRow.id))) == before == ["3"]
    assert tasks(database) == ["3", "4"]


def test_a_second_start_finds_what_the_first_one_kept(tmp_path: Path):
    add(Database(sqlite_url(tmp_path / "new" / "home")), "3")
    assert tasks(Database(sqlite_url(tmp_path / "new" / "home"))) == ["3"]


def test_a_new_file_that_another_process_writes_to_is_waited_for(tmp_path: Path):
    """Two workers of a first start: SQLite refuses to change the journal of a busy file, without waiting."""
    other = sqlite3.connect(tmp_path / "click99.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
    assert add(Database(sqlite_url(tmp_path)), "3")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_by_any_of_its_names(postgresql: PostgresqlServer, scheme: str):
    url = make_url(postgresql.new_database()).set(drivername=scheme)
    with closing(Database(url.render_as_string(hide_password=False))) as database:
        assert add(database, "3")


def test_messages_hold_no_password():
    assert "secret" not in Database("postgresql://ann:secret@localhost/click99").name

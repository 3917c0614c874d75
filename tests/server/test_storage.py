"""The record before anything is served: when it is upgraded, and when the server does not start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from click99.annotations.database import Database, sqlite_url
from click99.annotations.upgrades import SchemaError
from click99.cli import app
from click99.server import serve
from click99.server.settings import Settings
from click99.server.storage import prepare_record
from tests.postgresql_server import PostgresqlServer

LACKING = "ALTER TABLE clicks DROP COLUMN label"
FROM_THE_FUTURE = "UPDATE alembic_version SET version_num = '2099'"


def change(home: Path, statement: str) -> None:
    database = Database(sqlite_url(home))
    database.prepare()
    with database.engine.begin() as connection:
        connection.execute(text(statement))


@pytest.fixture
def postgresql() -> Iterator[str]:
    """A record that lacks a column; its address."""
    with PostgresqlServer() as server:
        url = server.new_database()
        database = Database(url)
        database.prepare()
        with database.engine.begin() as connection:
            connection.execute(text(LACKING))
        database.close()
        yield url


@pytest.mark.parametrize("upgrade", ["auto", "start"])
def test_an_sqlite_file_is_upgraded_at_the_start(tmp_path: Path, upgrade: Literal["auto", "start"]):
    change(tmp_path, LACKING)
    prepare_record(Settings(home=tmp_path, database_upgrade=upgrade))
    assert Database(sqlite_url(tmp_path)).schema().state == "current"
    assert list(tmp_path.glob("click99-before-*.db"))


@pytest.mark.slow("upgrades a PostgreSQL")
def test_a_postgresql_is_upgraded_by_the_command_unless_its_server_may(tmp_path: Path, postgresql: str):
    settings = Settings(home=tmp_path, database_url=postgresql)
    with pytest.raises(SchemaError, match=r"it lacks clicks.label. Run click99 db upgrade"):
        prepare_record(settings)
    prepare_record(settings.model_copy(update={"database_upgrade": "start"}))
    prepare_record(settings)


def test_the_command_upgrades(tmp_path: Path):
    change(tmp_path, LACKING)
    runner, home = CliRunner(), ["--home", str(tmp_path)]
    shown = runner.invoke(app, ["db", "status", *home])
    assert (shown.exit_code, "it lacks clicks.label. Run click99 db upgrade" in shown.stdout) == (1, True)
    shown = runner.invoke(app, ["db", "upgrade", *home])
    assert (shown.exit_code, "is fit for use" in shown.stdout) == (0, True)
    assert runner.invoke(app, ["db", "status", *home]).exit_code == 0


@pytest.mark.parametrize(
    ("statement", "reason"),
    [(FROM_THE_FUTURE, "schema 2099 is a newer click99's"), (LACKING, "it lacks clicks.label")],
)
def test_no_server_starts_on_a_record_that_it_cannot_work_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, reason: str
):
    change(tmp_path, statement)
    monkeypatch.setattr(serve, "create_app", lambda _: None)
    monkeypatch.setattr(serve.uvicorn, "run", lambda *_, **__: pytest.fail("it is served"))
    command = ["serve", "--home", str(tmp_path), "--database-upgrade", "command"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 2
    assert reason in refused.stderr
    assert sqlite_url(tmp_path) in refused.stderr


def test_a_record_that_is_away_holds_up_no_server(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    url = "postgresql://nobody@127.0.0.1:1/none"
    prepare_record(Settings(home=tmp_path, database_url=url))
    assert "The record is away" in caplog.text

"""`click99 sync`, and the same in the background."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import AnnotationRow
from click99.cli import app
from click99.labelstudio.client import Client
from click99.server import sync
from click99.server.sync import RegularSync
from tests.annotations.api import Api
from tests.annotations.examples import brush_item, saved
from tests.waiting import until


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path))


def deletions(database: Database) -> dict[str, bool]:
    """Whether each is deleted."""
    with database.reading() as session:
        return {row.id: bool(row.deleted_at) for row in session.scalars(select(AnnotationRow))}


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


@pytest.mark.parametrize("reply", [{}, "welcome"], ids=str)
def test_the_server_says_in_one_line_that_it_is_not_label_studio(
    api: Api,
    address: str,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    reply: object,
):
    api.instead["/api/projects"] = reply
    monkeypatch.setattr(sync, "FIRST_SECONDS", 0)
    with RegularSync(database, lambda: Client(address, "key"), minutes=30):
        until(lambda: bool(caplog.records))
    (said,) = caplog.records
    assert (said.levelname, said.exc_info) == ("WARNING", None)
    assert "not answered as by Label Studio" in said.getMessage()


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
    code, shown = invoke(*given, "--project", "99")
    assert (code, "project 99: there is none" in shown, "there are: 1 'cells'" in shown) == (2, True, True)


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

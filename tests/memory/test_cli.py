"""`click99 memory`: what is remembered, shown and forgotten."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import LessonRow
from click99.cli import app
from click99.memory.lessons import keep
from tests.annotations.examples import NOON
from tests.labelstudio.site import Site, running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Database(sqlite_url(tmp_path)).writing() as session:
        for k in range(4):
            told = {"choice": "map", "plain": 0.25, "with_size": 0.3, "with_map": 0.75} if k else {}
            keys = {"project": "12.1767225600", "annotation": str(k), "region": f"r{k}", "version": "discs-1"}
            keys |= {"label": "[/red] cat", "mask": "m", "network": "discs-1", "saved_at": NOON, "size": 0.04}
            keep(session, LessonRow(**(keys | {"choice": "none"} | told)))
    return tmp_path


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


def run(home: Path, *words: str) -> tuple[int, str]:
    wide = {**os.environ, "CLICK99_HOME": str(home), "COLUMNS": "200"}
    result = CliRunner().invoke(app, ["memory", *words], env=wide)
    return result.exit_code, result.output


def test_list_tells_what_is_used_and_what_it_brings(home: Path):
    code, told = run(home, "list")
    assert code == 0
    (row,) = [line for line in told.splitlines() if "cat" in line]
    cells = [cell.strip() for cell in row.replace("┃", "│").strip("│").split("│")]
    assert cells == [
        "project 12, of 2026-01-01",
        "[/red] cat",
        "discs-1",
        "4",
        "what they look like",
        "0.25",
        "0.75",
    ]


def test_list_names_projects_as_label_studio_does(home: Path, site: Site, monkeypatch: pytest.MonkeyPatch):
    site.serve("/api/users/", b"[]")
    project = b'{"id": 12, "title": "[b] Pets", "created_at": "2026-01-01T00:00:00Z"}'
    projects = b'{"count": 1, "results": [' + project + b"]}"
    site.serve("/api/projects?page=1&page_size=100", projects)
    monkeypatch.setenv("LABEL_STUDIO_URL", site.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "token")
    told = run(home, "list")[1]
    assert "[b] Pets (12)" in told
    assert "1767" not in told


def test_list_of_nothing_says_so(tmp_path: Path):
    Database(sqlite_url(tmp_path)).prepare()
    assert run(tmp_path, "list") == (0, "Nothing is remembered yet.\n")


@pytest.mark.parametrize("command", [["list"], ["show", "--project", "1", "--label", "cat"]])
def test_where_no_record_is_none_is_made(tmp_path: Path, command: list[str]):
    code, told = run(tmp_path / "typo", *command)
    assert (code, "there is no record" in told) == (2, True)
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("project", ["12", "12.1767225600"])
def test_show_has_a_row_for_every_mask(home: Path, project: str):
    code, told = run(home, "show", "--project", project, "--label", "[/red] cat")
    assert code == 0
    assert told.count("20 %") == 4
    assert told.count("0.75") == 3


def test_what_is_forgotten_is_gone(home: Path):
    asked = ("--project", "12", "--label", "[/red] cat")
    assert "4 masks forgotten" in run(home, "forget", *asked)[1]
    code, told = run(home, "forget", *asked)
    assert (code, "nothing is remembered. See click99 memory list" in told) == (2, True)


@pytest.mark.parametrize("command", ["show", "forget"])
@pytest.mark.parametrize(("project", "label"), [("1", "[/red] cat"), ("12", "cat"), ("", "")])
def test_what_is_not_there_is_named(home: Path, command: str, project: str, label: str):
    code, told = run(home, command, "--project", project, "--label", label)
    assert code == 2
    assert f"label {label!r}: nothing is remembered" in told

"""The page that a record makes: what stands in it, and what does not."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from click99.annotations import answered_clicks
from click99.annotations.database import Database, sqlite_url
from click99.annotations.events import keep_event
from click99.annotations.saved_masks import MaskFilter, SavedMask
from click99.cli import app
from click99.dashboard import costliest
from click99.dashboard.names import Names
from click99.dashboard.page import ROWS, Facts, read, render
from click99.labelstudio.errors import ImageUnavailableError
from click99.registry.versions import Version
from tests.annotations.examples import NOON, PROJECT_KEY, SHAPE, answered_click, brush_item, disc, saved
from tests.dashboard.examples import cost

EVIL = '<script>alert("1")</script>'
GATE = {"promoted": True, "gain": {"images": 30, "mean": 0.031}, "corrective": [0.5, 0.75]}
GATE["collected"] = {"before": {"noc90": 6.2}, "after": {"noc90": 4.1}}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path))


def record(database: Database, number: int, clicks: str, label: str = "cell", **changes: str) -> None:
    region = f"object-{number}"
    with database.writing() as session:
        for last in range(len(clicks)):
            when = NOON + timedelta(seconds=last)
            given = answered_click(clicks[: last + 1], region, label=label, asked_at=when, **changes)
            answered_clicks.write(session, given)
        item = brush_item(region, disc(len(clicks)))
        item["value"] |= {"brushlabels": [label]}
        keep_event(session, saved(item, number=number), NOON)


def white(_: SavedMask) -> np.ndarray:
    return np.full((*SHAPE, 3), 255, np.uint8)


def page(
    database: Database, versions: list[Version] | None = None, pictures: costliest.Pictures = white
) -> str:
    with database.reading() as session:
        facts = read(session, MaskFilter())
    return render(facts, versions or [], pictures, Names())


def words(html: str) -> str:
    """What a reader sees."""
    found: list[str] = []

    class Text(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    Text().feed(html)
    return " ".join(" ".join(found).split())


def test_the_figures_of_all_masks_stand_at_the_top(database: Database):
    record(database, 1, "a")
    record(database, 2, "abc")
    shown = words(page(database))
    assert "2 masks made by clicks" in shown
    assert "2.00 clicks to accept one, mean" in shown
    assert "2026-01-01" in shown


def test_the_costliest_masks_come_first_with_their_clicks(database: Database):
    for number, clicks in ((1, "a"), (2, "ab"), (3, "abcd"), (4, "abc")):
        record(database, number, clicks)
    shown = page(database)
    assert re.findall(r"<b>(\d) clicks, ", shown) == ["4", "3", "2"]
    assert shown.count("data:image/jpeg;base64,") == 3
    assert "could not be had" not in shown


@pytest.mark.parametrize("size", [None, (3, 3)])
def test_a_picture_that_is_gone_or_was_replaced_is_said(database: Database, size: tuple[int, int] | None):
    def gone(_: SavedMask) -> np.ndarray:
        if size is None:
            raise ImageUnavailableError("task 3", "404", "Look")
        return np.zeros((*size, 3), np.uint8)

    record(database, 1, "ab")
    shown = page(database, pictures=gone)
    assert "its picture could not be had" in shown
    assert shown.count("data:image/jpeg") == 1


def test_a_host_that_is_slow_holds_the_page_up_for_a_bounded_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    def slow(found: SavedMask) -> np.ndarray:
        time.sleep(3)
        return white(found)

    monkeypatch.setattr(costliest, "SECONDS", 0.2)
    for number in (1, 2, 3, 4, 5):
        record(database, number, "ab")
    begun = time.monotonic()
    assert page(database, pictures=slow).count("could not be had") == 5
    assert time.monotonic() - begun < 2.5


def test_what_a_fine_tune_bought(database: Database):
    record(database, 1, "ab", model_version="compact-2")
    made = "2026-02-03T10:00:00+00:00"
    versions = [
        Version("compact-1", Path("/secret/one"), None, made, "", {"run": "/secret/run"}),
        Version("compact-2", Path("/secret/two"), None, made, "", {"gate": GATE, "run": "/secret/run"}),
    ]
    shown = page(database, versions)
    assert "compact-2 2026-02-03 passed 30 +0.031 6.20 → 4.10 50 → 75 % 1 2.00" in words(shown)
    assert "compact-1" not in shown
    assert "/secret" not in shown


@pytest.mark.parametrize("gate", [{"promoted": 1}, {"gain": 3, "corrective": "ab", "collected": []}])
def test_a_card_with_little_on_it_is_shown(database: Database, gate: dict):
    record(database, 1, "a")
    versions = [Version("compact-2", Path(), None, "", "", {"gate": gate})]
    assert "compact-2" in page(database, versions)


def test_nothing_that_is_recorded_becomes_markup_or_leads_elsewhere(database: Database):
    record(database, 1, "ab", EVIL, model_version=EVIL)
    shown = page(database, [Version(EVIL, Path(), None, EVIL, "", {"gate": GATE})])
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "/data/upload" not in shown, "no picture's address"
    assert not re.search(r"(src|href)=\"(?!data:image/jpeg;base64,|#)", shown)


def test_small_groups_of_too_many_stand_together(database: Database):
    found = [cost(label=f"label-{k}") for k in range(ROWS + 5) for _ in range(ROWS + 5 - k)]
    shown = words(render(Facts(found, []), [], white, Names()))
    assert f"label-{ROWS - 1}" in shown
    assert f"label-{ROWS} " not in shown
    assert "5 others 15" in shown


def test_projects_are_told_apart_where_there_are_several():
    one = words(render(Facts([cost()], []), [], white, Names()))
    assert "By project" not in one
    several = Facts([cost(), cost(project="2"), cost(project="3.99999999999")], [])
    two = words(render(several, [], white, Names()))
    assert "project 1, of 2026-01-01 1" in two
    assert "project 2 1" in two
    assert "99999999999" not in two
    assert "annotator 4" in two


def test_people_and_projects_are_called_by_their_names():
    names = Names({PROJECT_KEY: "Cells <b>"}, {"4": "Anna Lee"})
    shown = render(Facts([cost(), cost(project="2.1767225600", annotator="5")], []), [], white, names)
    assert "Cells &lt;b&gt; (1)" in shown
    assert "Anna Lee (4)" in words(shown)
    assert "annotator 5" in words(shown)
    assert "project 2, of 2026-01-01" in words(shown)


@pytest.mark.parametrize("drawn", [0, 3])
def test_a_record_without_clicks_says_so(drawn: int):
    shown = words(render(Facts([cost(clicks=0)] * drawn, []), [], white, Names()))
    assert "no saved mask with clicks" in shown
    assert ("3 drawn by hand" in shown) == bool(drawn)


def test_masks_without_a_time_are_counted_all_the_same():
    shown = words(render(Facts([cost(saved_at=None)], []), [], white, Names()))
    assert "Nobody knows when" in shown
    assert "1 masks made by clicks" in shown


def invoke(home: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["stats", "--home", str(home), *arguments])
    return result.exit_code, result.output


def test_the_command_writes_it(database: Database, tmp_path: Path):
    record(database, 1, "ab")
    file = tmp_path / "cost.html"
    code, told = invoke(tmp_path, "--html", str(file))
    assert (code, told) == (0, f"dashboard: {file}\n")
    assert "1 masks made by clicks" in words(file.read_text())


def test_the_command_writes_no_page_of_nothing(database: Database, tmp_path: Path):
    file = tmp_path / "cost.html"
    database.prepare()
    assert "no saved mask with clicks. Click" in invoke(tmp_path, "--html", str(file))[1]
    record(database, 1, "ab")
    code, told = invoke(tmp_path, "--html", str(file), "--project", "2")
    assert code == 0
    assert "no saved mask with clicks of project 2. It has some of project 1, of 2026-01-01: cell." in told
    assert not file.exists()


@pytest.mark.parametrize("beside", ["--label cell", "--by label", "--plot cost.png"])
def test_what_the_page_can_not_honour_is_refused(tmp_path: Path, beside: str):
    file = tmp_path / "cost.html"
    code, told = invoke(tmp_path, "--html", str(file), *beside.split())
    assert code == 2
    assert f"{beside}: not with --html, whose page shows projects" in told
    assert not file.exists()


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("file/stats.html", "file: File exists. Choose another place"),
        ("file/more/stats.html", "file/more: Not a directory. Part of its path is a file: choose another"),
        (".", ": Is a directory. Name a file in it"),
    ],
)
def test_what_the_system_refuses_is_told_in_a_sentence(
    database: Database, tmp_path: Path, html: str, said: str
):
    record(database, 1, "ab")
    (tmp_path / "file").write_text("no folder")
    code, told = invoke(tmp_path, "--html", str(tmp_path / html))
    assert code == 2
    assert said in told
    assert "Errno" not in told

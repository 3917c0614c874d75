"""`click99 stats`: what masks took, from the clicks that count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image
from typer.testing import CliRunner

from click99.annotations import answered_clicks
from click99.annotations.answered_clicks import AnsweredClick
from click99.annotations.database import Database, sqlite_url
from click99.annotations.events import keep_event
from click99.annotations.masks import Bits
from click99.annotations.saved_masks import MaskFilter
from click99.annotations.tables import LessonRow
from click99.cli import app
from click99.dashboard.names import Names
from click99.segmentation.clicks import Click
from click99_training.learning import stats
from click99_training.learning.stats import JudgedCost, costs
from tests.annotations.examples import NOON, PROJECT_KEY, SHAPE, answered_click, brush_item, saved
from tests.labelstudio.site import Site, running

TRUTH = np.zeros(SHAPE, bool)
TRUTH[2:4, 2:8] = True  # 12 pixels
FIRST = TRUTH.copy()
FIRST[:, :5] = False  # 6 of them
SECOND = TRUTH.copy()
SECOND[:, 2:4] = False  # 8: of the 6 that were missed, 2 are right now


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path))


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


def answer(
    names: str, mask: np.ndarray, second: float, region: str = "object", version: str = "v1"
) -> AnsweredClick:
    """Clicks on pixels that the first mask misses, answered after half a second."""
    points = [Click(3, 2, True, name) for name in names]
    when = NOON + timedelta(seconds=second)
    given = answered_click(names, region, mask=Bits.pack(mask), milliseconds=500.0, model_version=version)
    return replace(given, clicks=points, asked_at=when)


def record(database: Database, *answers: AnsweredClick, origin: str = "prediction") -> None:
    for given in answers:
        with database.writing() as session:
            answered_clicks.write(session, given)
    with database.writing() as session:
        regions = {given.region for given in answers}
        keep_event(session, saved(*[brush_item(name, TRUTH, origin=origin) for name in regions]), NOON)


def all_costs(database: Database) -> list[JudgedCost]:
    with database.reading() as session:
        return costs(session, MaskFilter())


def test_what_a_mask_took(database: Database):
    record(database, answer("a", FIRST, 0), answer("ab", SECOND, 4))
    (cost,) = all_costs(database)
    assert (cost.clicks, cost.seconds, cost.version, cost.annotator) == (2, 4.5, "v1", "4")
    assert cost.first_iou == pytest.approx(6 / 12)
    assert cost.corrective == pytest.approx(2 / 6)
    assert not cost.retouched


def test_what_the_first_mask_would_have_been_without_memory_is_told_where_it_is_known(
    database: Database, tmp_path: Path
):
    record(database, answer("a", FIRST, 0))
    assert all_costs(database)[0].without_memory is None
    keys = {"project": PROJECT_KEY, "annotation": "9", "region": "object", "version": "v1", "label": "cell"}
    told = {"mask": "", "saved_at": NOON, "network": "v1", "size": 0.1, "choice": "map", "plain": 0.125}
    with database.writing() as session:
        session.add(LessonRow(**keys, **told))
    assert all_costs(database)[0].without_memory == 0.125
    assert "12.5 %" in invoke(tmp_path)[1]


def test_undone_clicks_cost_nothing(database: Database):
    record(database, answer("a", FIRST, 0), answer("ab", SECOND, 4), answer("ac", TRUTH, 9))
    (cost,) = all_costs(database)
    assert (cost.clicks, cost.seconds, cost.corrective) == (2, 9.5, 1.0)


def test_one_click_corrects_nothing(database: Database):
    record(database, answer("a", TRUTH, 0), origin="prediction-changed")
    (cost,) = all_costs(database)
    assert (cost.clicks, cost.first_iou, cost.corrective, cost.retouched) == (1, 1.0, None, True)


def test_masks_without_clicks_are_left_out(database: Database):
    with database.writing() as session:
        keep_event(session, saved(brush_item()), NOON)
    assert all_costs(database) == []


def invoke(home: Path, *arguments: str, width: int = 200) -> tuple[int, str]:
    result = CliRunner(env={"COLUMNS": str(width)}).invoke(app, ["stats", "--home", str(home), *arguments])
    return result.exit_code, result.output


@pytest.mark.slow("draws")
def test_the_command_shows_a_row_for_each_version(database: Database, tmp_path: Path):
    record(database, answer("a", FIRST, 0), answer("ab", SECOND, 4), answer("c", TRUTH, 0, "other", "v2"))
    code, shown = invoke(tmp_path, "--plot", str(tmp_path / "cost.png"))
    assert code == 0, shown
    rows = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert ["2.00" in rows["v1"], "50.0 %" in rows["v1"], "33.3 %" in rows["v1"]] == [True] * 3
    assert ["1.00" in rows["v2"], "100.0 %" in rows["v2"], "–" in rows["v2"]] == [True] * 3
    assert "1.50" in rows["all"]
    with Image.open(tmp_path / "cost.png") as plotted:
        assert np.asarray(plotted.convert("L")).std() > 5


@pytest.mark.parametrize("by", ["project", "label", "annotator"])
def test_other_rows(database: Database, tmp_path: Path, by: str):
    record(database, answer("a", TRUTH, 0))
    code, shown = invoke(tmp_path, "--by", by)
    assert code == 0
    assert {"project": "project 1, of 2026-01-01", "label": "cell", "annotator": "annotator 4"}[by] in shown
    assert "1767225600" not in shown


def test_eighty_characters_hold_the_table(database: Database, tmp_path: Path):
    version = "compact-fine-tuned-on-cells-2026-11-29"
    long = answer("c", TRUTH, 0, "other", version)
    record(database, answer("a", FIRST, 0), answer("ab", SECOND, 4000), long, origin="prediction-changed")
    shown = invoke(tmp_path, width=80)[1]
    lines = shown.splitlines()
    assert "…" not in shown
    assert max(map(len, lines)) <= 80
    assert version in "".join(line.split(" ")[0] for line in lines), "wrapped, not cut"
    assert {"4000.5", "median", "mean", "without", "100.0", "brushed"} <= set(shown.split())
    assert len([line for line in lines if line.startswith(("v1", "all"))]) == 2


def test_rows_have_the_names_of_a_label_studio_that_is_known(
    database: Database, tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
):
    record(database, answer("a", TRUTH, 0))
    site.serve("/api/users/", b'[{"id": 4, "first_name": "Anna", "last_name": "[Lee]"}]')
    site.serve("/api/projects?page=1&page_size=100", b'{"count": 0, "results": []}')
    monkeypatch.setenv("LABEL_STUDIO_URL", site.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "token")
    assert "Anna [Lee] (4)" in invoke(tmp_path, "--by", "annotator")[1]
    file = tmp_path / "cost.html"
    assert invoke(tmp_path, "--html", str(file))[0] == 0
    assert "Anna [Lee] (4)" in file.read_text()
    asked = len(site.paths)
    assert "v1" in invoke(tmp_path)[1]
    assert len(site.paths) == asked, "no name is needed for versions"


def test_an_empty_record_is_said(database: Database, tmp_path: Path):
    database.prepare()
    assert "no saved mask with clicks. Click" in invoke(tmp_path)[1]


def test_a_filter_without_hits_is_named(database: Database, tmp_path: Path):
    record(database, answer("a", TRUTH, 0))
    said = invoke(tmp_path, "--project", "7", "--label", "tree")[1]
    assert "no saved mask with clicks of project 7, label tree." in said
    assert "It has some of project 1, of 2026-01-01: cell. Ask for those, or" in said


def test_masks_without_a_label_are_told_as_such():
    said = stats.nothing_told(MaskFilter(label="tree"), {"1.1767225600": ["", "cell"]}, Names())
    assert ": no label, cell. Ask for those" in said


def test_a_plot_of_one_day_shows_days(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    record(database, answer("a", TRUTH, 0))
    monkeypatch.setattr(pyplot, "close", lambda figure: None)
    stats.plot(all_costs(database), "version", tmp_path / "cost.png", Names())
    first, last = pyplot.gcf().axes[0].get_xlim()
    assert 5 < last - first < 9


def test_an_unknown_row_is_named(tmp_path: Path):
    code, shown = invoke(tmp_path, "--by", "moon")
    assert code == 2
    assert "moon" in shown


@pytest.mark.slow("draws")
@pytest.mark.parametrize("version", ["[/red]", "[bold]v1", "[link=x]"])
def test_a_name_may_look_like_markup(database: Database, tmp_path: Path, version: str):
    record(database, answer("a", TRUTH, 0, version=version))
    code, shown = invoke(tmp_path)
    assert code == 0
    assert version in shown

"""A server has what the gate promoted judged by every 30 images annotated with it. A stand-in judges."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from click99.annotations import answered_clicks
from click99.annotations.database import Database, sqlite_url
from click99.annotations.events import keep_event
from click99.registry.jobs import Jobs
from click99.registry.shared import StorageError
from click99.registry.versions import Registry
from click99.registry.watched import IMAGES, note, watched
from click99.server.own_checks import check_promoted
from click99.server.prometheus import Metrics
from click99.server.retraining import Retraining
from click99.server.settings import Settings
from click99.server.watching import Watching
from tests.annotations.examples import answered_click, brush_item, saved
from tests.registry.examples import STAND_IN, checkpoint, ended

pytestmark = pytest.mark.slow("judges networks beside a server")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry.at(tmp_path)
    made = registry.add(checkpoint(tmp_path / "made.safetensors"))
    registry.promote(made.name, "better", by="gate")
    return registry


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path))


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path / "jobs", (*STAND_IN, "--end", "keep"), "watch")


@pytest.fixture
def watching(tmp_path: Path, registry: Registry, database: Database, jobs: Jobs) -> Watching:
    return Watching(Settings(home=tmp_path), database, jobs)


def annotate(database: Database, numbers: range, version: str) -> None:
    with database.writing() as session:
        for number in numbers:
            name = {"image": f"{number}.png", "task": str(number), "model_version": version}
            answered_clicks.write(session, answered_click("ab", f"object {number}", **name))
            event = saved(brush_item(f"object {number}"), number=number, task=number)
            keep_event(session, event, datetime.now(UTC))


def figures(watching: Watching) -> dict[str, float]:
    metrics = Metrics()
    metrics.add(watching)
    lines = metrics.text().decode().splitlines()
    told = (
        line.rsplit(maxsplit=1)
        for line in lines
        if line.startswith(("click99_model_w", "click99_model_m", "click99_model_c"))
    )
    return {name: float(value) for name, value in told}


def test_every_thirty_images_begin_a_look(
    watching: Watching, database: Database, registry: Registry, jobs: Jobs
):
    name = registry.chosen().name
    annotate(database, range(IMAGES - 1), name)
    annotate(database, range(100, 160), "another")
    watching.look()
    assert jobs.all() == []
    assert figures(watching)[f'click99_model_watch_images{{version="{name}"}}'] == IMAGES - 1
    annotate(database, range(IMAGES - 1, IMAGES), name)
    watching.look()
    assert (ended(jobs, 1).kind, jobs.get(1).why) == ("watch", f"{IMAGES} images annotated with {name}")
    watching.look()
    assert len(jobs.all()) == 1, "the same images do not begin another, however the first one ended"
    assert figures(watching)[f'click99_model_watch_images{{version="{name}"}}'] == 0
    annotate(database, range(IMAGES, 2 * IMAGES), name)
    watching.look()
    assert ended(jobs, 2).state == "kept"


def test_what_a_person_chose_and_a_pinned_server_are_left_alone(
    watching: Watching, database: Database, registry: Registry, jobs: Jobs, tmp_path: Path
):
    name = registry.chosen().name
    annotate(database, range(IMAGES), name)
    pinned = Settings(home=tmp_path, model=tmp_path / "made.safetensors")
    Watching(pinned, database, jobs).look()
    registry.promote(name, "I want it")
    watching.look()
    assert jobs.all() == []
    assert figures(watching) == {
        'click99_model_moves_total{by="person"}': 1,
        'click99_model_moves_total{by="gate"}': 1,
        'click99_model_moves_total{by="watch"}': 0,
    }


def test_it_waits_for_a_fine_tune_and_is_none(
    watching: Watching, database: Database, registry: Registry, jobs: Jobs, tmp_path: Path
):
    """Corrections count from the last fine-tune on, whatever was looked at since."""
    tunes = Jobs(jobs.folder, (*STAND_IN, "--end", "wait"))
    tunes.start("a button")
    annotate(database, range(IMAGES), registry.chosen().name)
    watching.look()
    assert len(jobs.all()) == 1
    tunes.cancel()
    ended(tunes, 1)
    retraining = Retraining(Settings(home=tmp_path, retrain_every=3), database, tunes)
    with database.writing() as session:
        moment = datetime.now(UTC)
        for number in range(200, 203):
            event = saved(
                brush_item(f"{number}", origin="manual"), number=number, updated_at=moment.isoformat()
            )
            keep_event(session, event, moment)
    watching.look()
    ended(jobs, 2)
    retraining.look()
    assert [job.kind for job in jobs.all()] == ["fine-tune", "watch", "fine-tune"]
    tunes.cancel()
    ended(tunes, 3)


def test_a_registry_that_is_away_is_told(
    watching: Watching, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def away(*_: object) -> None:
        raise StorageError("s3://bucket is away")

    monkeypatch.setattr("click99.server.watching.watched", away)
    watching.look()
    assert "What was promoted is not watched: s3://bucket is away" in caplog.text
    assert figures(watching) == {}


def test_the_doctor_says_that_it_went_back_or_cannot(registry: Registry, tmp_path: Path):
    settings, name = Settings(home=tmp_path), registry.chosen().name
    assert [finding.subject for finding in check_promoted(settings)] == ["Promoted version"]
    note(registry, name, problem=f"{name} stays, but can't be watched")
    *_, told = check_promoted(settings)
    assert (told.subject, told.severity) == ("Watch", "hint")
    assert told.detail.startswith(f"{name} stays, but can't be watched. ")
    now = watched(registry)
    assert now
    registry.take_back(now.seen, f"rolled back from {name}: it is worse")
    *_, told = check_promoted(settings)
    assert f"rolled back from {name}: it is worse" in told.detail


def test_ten_images_annotated_since_begin_a_challenger_s_trial(
    watching: Watching, database: Database, registry: Registry, jobs: Jobs, tmp_path: Path
):
    served = registry.chosen().name
    gate = {"promoted": False, "challenges": True, "against": served}
    name = registry.add(checkpoint(tmp_path / "later.safetensors", seed=1), gate=gate).name
    annotate(database, range(20), "another")
    told = f'click99_model_challenger_images{{version="{name}"}}'
    watching.look()
    assert (jobs.all(), figures(watching)[told]) == ([], 0), "what was annotated before does not count"
    annotate(database, range(20, 29), "another")
    watching.look()
    assert (jobs.all(), figures(watching)[told]) == ([], 9)
    annotate(database, range(29, 30), "another")
    watching.look()
    assert ended(jobs, 1).why == f"10 images annotated since {name} challenges"
    watching.look()
    assert (len(jobs.all()), figures(watching)[told]) == (1, 0), "they begin one trial"


def test_a_line_s_trial_is_counted_by_its_own_project(
    watching: Watching, database: Database, registry: Registry, jobs: Jobs, tmp_path: Path
):
    gate = {"promoted": False, "challenges": True, "against": registry.chosen().name}
    made = checkpoint(tmp_path / "later.safetensors", seed=1)
    registry.add(made, gate=gate, line="7", projects="7")
    watching.look()
    annotate(database, range(20), "another")  # all of project 1
    watching.look()
    assert jobs.all() == []

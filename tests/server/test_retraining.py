"""What begins a fine-tune: the button, POST /train, corrections. A stand-in runs instead of one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from click99.annotations.database import Database, sqlite_url
from click99.annotations.events import keep_event
from click99.commands.learning import teaching
from click99.registry.jobs import Jobs
from click99.server.own_checks import check_training
from click99.server.prometheus import Metrics
from click99.server.retraining import Retraining, corrected
from click99.server.settings import Settings
from tests.annotations.examples import brush_item, saved
from tests.registry.examples import STAND_IN, ended
from tests.server.requests import Start
from tests.waiting import until

WAITS = "another begins when it is over"
BUTTON = {"action": "START_TRAINING", "project": {"id": 7}}


@pytest.fixture
def jobs(tmp_path: Path) -> Any:
    jobs = Jobs(tmp_path / "jobs", (*STAND_IN, "--end", "wait"))
    yield jobs
    if jobs.running():
        jobs.cancel()


@pytest.fixture
def waiting(start: Start, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TestClient]:
    """Servers whose fine-tunes go on until they are cancelled."""
    monkeypatch.setattr("tests.server.conftest.STAND_IN", (*STAND_IN, "--end", "wait"))
    return start


def figures(server: TestClient) -> dict[str, float]:
    lines = server.get("/metrics").text.splitlines()
    told = (line.rsplit(maxsplit=1) for line in lines if line.startswith("click99_training"))
    return {name: float(value) for name, value in told}


def test_the_button_begins_one_and_then_tells_which_runs(waiting: Callable[..., TestClient], jobs: Jobs):
    server = waiting()
    assert server.post("/webhook", json=BUTTON).json()["job"] == "1"
    assert jobs.get(1).why == "Label Studio's button, project 7"
    again = server.post("/webhook", json=BUTTON).json()
    assert again == {"status": "ok", "job": "1", "detail": f"job 1 is running already; {WAITS}"}
    assert server.post("/train", json={"annotations": []}).json()["job"] == "1"
    assert [job.number for job in jobs.all()] == [1]


def test_metrics_tell_of_it(waiting: Callable[..., TestClient], jobs: Jobs):
    server = waiting()
    assert figures(server)["click99_training"] == 0
    server.post("/train")
    until(lambda: jobs.get(1).progress)
    told = figures(server)
    assert (told["click99_training"], told["click99_training_share"]) == (1, 0.5)
    jobs.cancel()
    ended(jobs, 1)
    told = figures(server)
    assert (told["click99_training"], told['click99_training_jobs_total{outcome="cancelled"}']) == (0, 1)
    assert told['click99_training_jobs_total{outcome="failed"}'] == 0


def test_of_several_workers_each_tells_of_it(tmp_path: Path, jobs: Jobs, monkeypatch: pytest.MonkeyPatch):
    """Their figures are added up from files; these are the same in each of them."""
    (tmp_path / "counters").mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "counters"))
    metrics = Metrics()
    metrics.add(Retraining(Settings(home=tmp_path), Database(sqlite_url(tmp_path)), jobs))
    assert b"click99_training 0.0" in metrics.text()
    jobs.start("")
    assert b"click99_training 1.0" in metrics.text()


def test_what_was_asked_for_meanwhile_begins_afterwards_once(tmp_path: Path, jobs: Jobs):
    retraining = Retraining(Settings(home=tmp_path), Database(sqlite_url(tmp_path)), jobs)
    for why in ("first", "second", "third"):
        assert retraining.begin(why)[0] == 1
    retraining.look()
    assert len(jobs.all()) == 1
    jobs.cancel()
    ended(jobs, 1)
    retraining.look()
    assert [job.why for job in jobs.all()] == ["first", "third"]
    jobs.cancel()
    ended(jobs, 2)
    retraining.look()
    assert len(jobs.all()) == 2


@pytest.mark.parametrize(("credentials", "status"), [("ann:secret:", 200), ("ann:secret", 401), ("", 401)])
def test_the_button_presents_basic_auth(start: Start, credentials: str, status: int, tmp_path: Path):
    server = start(basic_auth_user="ann", basic_auth_password="secret:")
    basic = {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}
    assert server.post("/webhook", json=BUTTON, headers=basic if credentials else {}).status_code == status
    assert len(Jobs(tmp_path / "jobs").all()) == (status == 200)


def test_a_job_gets_the_server_s_settings(tmp_path: Path):
    settings = Settings(home=tmp_path, retrain_minutes=3, device="cuda:1")
    script = "import os, sys; print(sys.argv[1:], os.environ['CLICK99_HOME'], os.environ['CLICK99_DEVICE'])"
    jobs = Jobs(tmp_path / "jobs", (STAND_IN[0], "-c", script))
    assert Retraining(settings, Database(sqlite_url(tmp_path)), jobs).begin("a test") == (1, "job 1 is begun")
    ended(jobs, 1)
    log = (tmp_path / "jobs" / "1" / "log.txt").read_text()
    assert log == f"['--out', '{tmp_path}/jobs/1', '--minutes', '3'] {tmp_path} cuda:1\n"


@pytest.mark.slow("starts a fine-tune")
def test_a_real_fine_tune_tells_why_there_is_none(tmp_path: Path):
    retraining = Retraining(Settings(home=tmp_path), Database(sqlite_url(tmp_path)))
    retraining.begin("a test")
    until(lambda: retraining.jobs.get(1).state != "running", seconds=200)
    job = retraining.jobs.get(1)
    assert job.state == "refused"
    assert "nothing" in job.message, job.message
    (finding,) = check_training(Settings(home=tmp_path))
    assert finding.severity == "ok", "there is nothing to mend"


def test_a_disk_that_takes_no_job_is_told(start: Start, tmp_path: Path):
    (tmp_path / "jobs").write_text("no folder")
    reply = start().post("/webhook", json=BUTTON)
    assert reply.status_code == 507
    assert "no fine-tune is begun" in reply.json()["detail"]


def test_enough_new_corrections_begin_one(tmp_path: Path, jobs: Jobs):
    database = Database(sqlite_url(tmp_path))
    retraining = Retraining(Settings(home=tmp_path, retrain_every=3), database, jobs)

    def save(numbers: range, origin: str, ago: timedelta) -> None:
        with database.writing() as session:
            for number in numbers:
                regions = [brush_item(f"{number} {k}", origin=origin) for k in (1, 2)]
                moment = datetime.now(UTC)
                event = saved(*regions, number=number, updated_at=(moment - ago).isoformat())
                keep_event(session, event, moment)

    save(range(2), "prediction-changed", timedelta(hours=1))
    save(range(2, 9), "prediction", timedelta(hours=1))
    retraining.look()
    assert jobs.all() == [], "two annotations were corrected; the others' masks were accepted as they came"
    save(range(9, 10), "manual", timedelta(hours=1))
    retraining.look()
    assert [job.why for job in jobs.all()] == ["3 new corrected annotations"]
    save(range(10, 13), "manual", timedelta(0))
    retraining.look()
    jobs.cancel()
    ended(jobs, 1)
    retraining.look()
    assert len(jobs.all()) == 2, "three more were corrected since the first began, and it is over"
    jobs.cancel()
    ended(jobs, 2)
    retraining.look()
    assert len(jobs.all()) == 2, "those are not counted again"


def test_each_project_is_counted_and_taught_by_itself(tmp_path: Path, jobs: Jobs):
    database = Database(sqlite_url(tmp_path))

    def save(project: int, numbers: range) -> None:
        for number in numbers:
            event = json.loads(saved(brush_item(f"{project} {number}", origin="manual"), number=number))
            event["project"]["id"] = project
            with database.writing() as session:
                keep_event(session, json.dumps(event).encode(), datetime.now(UTC))

    save(3, range(2))
    save(7, range(10, 12))
    retraining = Retraining(Settings(home=tmp_path, retrain_every=3), database, jobs)
    retraining.look()
    assert jobs.all() == [], "four corrections, but of two projects"
    save(7, range(12, 13))
    retraining.look()
    assert [job.projects for job in jobs.all()] == ["7"]
    jobs.cancel()
    ended(jobs, 1)
    assert corrected(database, jobs, "", 99) == {"3": 2, "7": 0}
    assert corrected(database, jobs, "3+7", 99) == {"3+7": 5}
    assert corrected(database, jobs, "all", 99) == {"": 5}


@pytest.mark.parametrize(("rank", "told"), [("0", True), ("1", False)])
def test_of_processes_that_learn_together_one_says_from_what(
    tmp_path: Path, rank: str, told: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for project in (3, 7):
        event = json.loads(saved(brush_item(f"{project}", origin="manual"), number=project))
        event["project"]["id"] = project
        with Database(sqlite_url(tmp_path)).writing() as session:
            keep_event(session, json.dumps(event).encode(), datetime.now(UTC))
    monkeypatch.setenv("RANK", rank)
    assert teaching(Settings(home=tmp_path), "", None, None) in ("3", "7")
    assert ("Another: --project" in capsys.readouterr().out) == told


def test_the_button_teaches_its_own_project(waiting: Callable[..., TestClient], jobs: Jobs):
    server = waiting(lines="7+8")
    assert server.post("/webhook", json=BUTTON).json()["job"] == "1"
    assert jobs.get(1).projects == "7+8"
    server.post("/webhook", json=BUTTON | {"project": {"id": 3}})
    jobs.cancel()
    ended(jobs, 1)
    assert jobs.take_wanted() == ("Label Studio's button, project 3", "3")
    assert server.post("/train", params={"project": "3"}).json()["job"] == "2"
    assert jobs.get(2).projects == "3"
    assert server.post("/train", params={"project": "three"}).status_code == 422


def test_a_clock_that_was_ahead_loses_no_corrections(tmp_path: Path, jobs: Jobs):
    database = Database(sqlite_url(tmp_path))
    with database.writing() as session:
        moment = datetime.now(UTC)
        event = saved(brush_item("a", origin="manual"), updated_at=moment.isoformat())
        keep_event(session, event, moment)
    jobs.start("by a clock of tomorrow", projects="1")
    begun = json.loads((tmp_path / "jobs" / "1" / "job.json").read_text())
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    (tmp_path / "jobs" / "1" / "job.json").write_text(json.dumps(begun | {"started_at": tomorrow}))
    assert corrected(database, jobs, "") == {"1": 1}


def test_corrections_alone_begin_none_unless_that_is_set(tmp_path: Path, jobs: Jobs):
    database = Database(sqlite_url(tmp_path))
    with database.writing() as session:
        keep_event(session, saved(brush_item("a", origin="manual")), datetime.now(UTC))
    Retraining(Settings(home=tmp_path), database, jobs).look()
    assert jobs.all() == []
    Retraining(Settings(home=tmp_path, retrain_every=1), database, jobs).look()
    assert len(jobs.all()) == 1

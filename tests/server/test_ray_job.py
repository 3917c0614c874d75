"""Fine-tunes that the server has a real Ray cluster compute, and what the server knows of them."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image

from click99.annotations.database import Database, sqlite_url
from click99.demo.programs import free_port
from click99.registry.jobs import Jobs
from click99.registry.versions import Registry
from click99.server.ray_job import NEWS, _repeat
from click99.server.retraining import Retraining
from click99.server.settings import Settings
from click99_training.learning.gain import FEWEST
from tests.annotations.examples import brush_item, saved
from tests.postgresql_server import PostgresqlServer
from tests.registry.examples import ended
from tests.s3_server import S3Server
from tests.server.command import serving
from tests.server.interleaved import hosting
from tests.server.ray_folder import elsewhere
from tests.training.snapshot import SIDE, pictures
from tests.waiting import until

pytest.importorskip("ray", reason='needs Ray: pip install ".[ray]"')
pytestmark = pytest.mark.timeout(600)
HEAD = """
import ray, sys
ray.init("local", num_cpus=1, include_dashboard=True, dashboard_port=int(sys.argv[1]),
         object_store_memory=2**27, _temp_dir=sys.argv[2])
print("up", flush=True)
sys.stdin.read()
ray.shutdown()
"""
STATUS = """
import sys, time
from ray.job_submission import JobSubmissionClient
cluster, end = JobSubmissionClient(sys.argv[1]), time.monotonic() + 60
while not (status := cluster.get_job_status(sys.argv[2])).is_terminal() and time.monotonic() < end:
    time.sleep(0.2)
print(status.value)
"""


def base_data(folder: Path) -> Path:
    """As few pictures as there may be: the shipped ones take half a minute to look at."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number, (image, mask) in enumerate(itertools.islice(pictures(), 20, 25)):
        Image.fromarray(image).save(folder / "images" / f"{number}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """Those of a server. Nodes know the record and the bucket by variables of their own."""
    with (
        elsewhere() as folder,
        S3Server() as s3,
        PostgresqlServer() as postgresql,
        pytest.MonkeyPatch.context() as patch,
    ):
        s3.set_variables(patch)
        s3.bucket("models")
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
        patch.setenv("CLICK99_DATABASE_URL", postgresql.new_database())
        patch.setenv("CLICK99_BASE_DATA", str(base_data(folder / "base")))
        port, cluster = free_port(0), [sys.executable, "-c", HEAD]
        with (
            (folder / "head.log").open("wb") as log,
            subprocess.Popen(
                [*cluster, str(port), str(folder)], stdin=subprocess.PIPE, stdout=log, stderr=log
            ) as head,
        ):
            until(lambda: "up\n" in (folder / "head.log").read_text(), 150)
            asked = {"device": "cpu", "threads": 1, "retrain_minutes": 0.1}
            address = f"http://127.0.0.1:{port}"
            yield Settings(home=folder, registry_url="s3://models/click99", retrain_ray=address, **asked)
            assert head.stdin
            head.stdin.close()
            head.wait(60)


def begin(settings: Settings, home: Path) -> Jobs:
    """By a project of which nobody has saved anything."""
    retraining = Retraining(settings.model_copy(update={"home": home}), Database(sqlite_url(home)))
    assert retraining.begin("a test", "8") == (1, "job 1 is begun")
    return retraining.jobs


@pytest.mark.slow("starts a Ray cluster")
def test_the_cluster_computes_it_and_the_server_is_told(settings: Settings, tmp_path: Path):
    jobs = begin(settings, tmp_path)
    until(lambda: jobs.get(1).state != "running", 150)
    job, log = jobs.get(1), (tmp_path / "jobs" / "1" / "log.txt").read_text()
    assert (job.state, "nothing" in job.message) == ("refused", True), log
    assert f"{settings.retrain_ray} has it as raysubmit_" in log
    assert job.message in " ".join(log.split()), "what was printed there is here"
    assert NEWS not in log
    assert not [*(tmp_path / "jobs" / "1").glob("run*")], "it was not computed here"


def save_masks(address: str, folder: Path, host: str, count: int) -> None:
    """As Label Studio tells of them: of pictures on another server, in project 7."""
    for number, (image, mask) in enumerate(itertools.islice(pictures(), count), 1):
        Image.fromarray(image).save(folder / f"{number}.png")
        item = brush_item(f"{number}", mask > 0, original_width=SIDE, original_height=SIDE, origin="manual")
        event = json.loads(saved(item, number=number))
        event["task"] = {"id": number, "data": {"image": f"{host}/{number}.png"}}
        event["annotation"]["task"], event["project"]["id"] = number, 7
        assert requests.post(f"{address}/webhook", json=event, timeout=60).ok


@pytest.mark.slow("starts a Ray cluster, and fine-tunes on it")
def test_what_the_button_began_is_learnt_there_and_known_here(
    settings: Settings, tmp_path: Path, checkpoints: list[Path]
):
    """Nothing is shared but PostgreSQL, the bucket and the pictures' server."""
    registry = Registry.at(tmp_path / "desk", settings.registry_url)
    registry.promote(before := registry.add(checkpoints[0]).name, "for the test")
    (home := tmp_path / "home").mkdir()
    (shown := tmp_path / "pictures").mkdir()
    options = ["--registry-url", settings.registry_url, "--retrain-ray", settings.retrain_ray]
    options += ["--retrain-minutes", "0.03", "--device", "cpu"]
    with hosting(shown) as host, serving(home, *options, "--allowed-hosts", urlsplit(host).netloc) as address:
        save_masks(address, shown, host, count=FEWEST)
        button = {"action": "START_TRAINING", "project": {"id": 7}}
        assert requests.post(f"{address}/webhook", json=button, timeout=60).json()["job"] == "1"
        jobs = Jobs.at(home)
        until(lambda: jobs.get(1).state != "running", 400)
        job, log = jobs.get(1), (home / "jobs" / "1" / "log.txt").read_text()
        assert job.state in ("promoted", "not promoted"), log
        registry.pull()
        made = registry.get(job.progress["candidate"])
        assert (made.parent, made.facts["gate"]["gain"]["images"]) == (before, FEWEST)
        assert made.facts["gate"]["reason"] == job.message
        if job.state == "not promoted":
            registry.of_line("7").promote(made.name, "by hand")
        served = f'click99_model_served{{version="{made.name}"}} 1.0'
        until(lambda: served in requests.get(f"{address}/metrics", timeout=60).text)


@pytest.mark.slow("starts a Ray cluster")
def test_cancelled_here_it_ends_there(settings: Settings, tmp_path: Path):
    state, name = next(tried for tried in (cancelled(settings, tmp_path / at) for at in "abc") if tried)
    asked = [sys.executable, "-c", STATUS, settings.retrain_ray, name]
    assert state == "cancelled"
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "STOPPED\n"


def cancelled(settings: Settings, home: Path) -> tuple[str, str] | None:
    """What a cancelled fine-tune is called here, and there; None: it was refused, since there is nothing to
    learn from, before anybody could cancel it."""
    home.mkdir()
    jobs, log = begin(settings, home), home / "jobs" / "1" / "log.txt"
    until(lambda: "has it as" in log.read_text(), 60)
    jobs.cancel()
    state = ended(jobs, 1).state
    return None if state == "refused" else (state, log.read_text().split("has it as ")[1].split()[0])


@pytest.mark.slow("imports Ray")
def test_a_cluster_that_is_away_is_told(tmp_path: Path):
    address = f"http://127.0.0.1:{free_port(0)}"
    settings = Settings(home=tmp_path, registry_url="s3://models/click99", retrain_ray=address)
    job = ended(begin(settings, tmp_path), 1)
    assert job.state == "failed"
    assert f"CLICK99_RETRAIN_RAY={address} takes no fine-tune" in job.message


@pytest.mark.slow("imports Ray")
def test_a_log_is_repeated_once_and_by_whole_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log = f'one\n{NEWS}{{"share": 0.5}}\nunfini'
    shown = _repeat(log, 0, tmp_path)
    shown = _repeat(f"{log}shed\n{NEWS}half of a\n", shown, tmp_path)
    assert capsys.readouterr().out == "one\nunfinished\n"
    assert (tmp_path / "progress.json").read_text() == '{\n "share": 0.5\n}'
    assert _repeat("", shown, tmp_path) == shown, "a log that is not there for a moment"

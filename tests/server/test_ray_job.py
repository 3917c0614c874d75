"""Fine-tunes that the server has a real Ray cluster compute, and what the server knows of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from click99.annotations.database import Database, sqlite_url
from click99.demo.programs import free_port
from click99.registry.jobs import Jobs
from click99.server.ray_job import NEWS, _repeat
from click99.server.retraining import Retraining
from click99.server.settings import Settings
from tests.registry.examples import ended
from tests.s3_server import S3Server
from tests.server.ray_folder import elsewhere
from tests.waiting import until

pytest.importorskip("ray", reason='needs Ray: pip install ".[ray]"')
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


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """Those of a server. Nodes know the record, which is empty, and the bucket, by variables of their own."""
    with elsewhere() as folder, S3Server() as s3, pytest.MonkeyPatch.context() as patch:
        s3.set_variables(patch)
        s3.bucket("models")
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
        patch.setenv("CLICK99_DATABASE_URL", f"sqlite:///{folder}/record.sqlite")
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


def begin(settings: Settings, home: Path, **changes: object) -> Jobs:
    retraining = Retraining(settings.model_copy(update={"home": home, **changes}), Database(sqlite_url(home)))
    assert retraining.begin("a test") == (1, "job 1 is begun")
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

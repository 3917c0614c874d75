"""Jobs are real processes here, of a stand-in that does as its options say instead of a fine-tune."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from click99.annotations.database import Database
from click99.cli import app
from click99.registry.job import write_begin, write_cancel
from click99.registry.jobs import BusyError, Jobs
from click99.registry.versions import RegistryError
from click99.server.retraining import Retraining
from click99.server.settings import Settings
from tests.registry.examples import STAND_IN, ended
from tests.waiting import until


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path / "jobs", STAND_IN)
    yield jobs
    if running := jobs.running():
        os.kill(running.process, signal.SIGKILL)


@pytest.mark.parametrize(("end", "state"), [("yes", "promoted"), ("no", "not promoted")])
def test_a_job_ends_with_its_decision(jobs: Jobs, end: str, state: str):
    job = jobs.start("somebody asked", ["--end", end])
    assert (job.number, job.why) == (1, "somebody asked")
    job = ended(jobs, 1)
    assert (job.state, job.message) == (state, f"decided: {end}")
    assert Path(job.folder) == jobs.folder / "1"


@pytest.mark.parametrize(("end", "state"), [("keep", "kept"), ("take back", "rolled back")])
def test_a_look_at_what_was_promoted_is_a_job_of_its_own_kind(jobs: Jobs, end: str, state: str):
    Jobs(jobs.folder, STAND_IN, "watch").start("30 images", ["--end", end])
    assert (ended(jobs, 1).state, jobs.get(1).kind) == (state, "watch")


def test_one_runs_at_a_time_and_tells_how_far_it_is(jobs: Jobs):
    first = jobs.start("first", ["--end", "wait"])
    assert first.state == "running"
    until(lambda: jobs.get(1).progress)
    assert jobs.get(1).progress["share"] == 0.5
    with pytest.raises(BusyError, match="job 1 is running already") as refused:
        jobs.start("second")
    assert refused.value.job.number == first.number
    jobs.cancel()
    ended(jobs, 1)
    assert jobs.start("third", ["--end", "no"]).number == 2


def test_of_many_who_start_at_once_one_succeeds(jobs: Jobs):
    def start(_: int) -> int:
        try:
            return Jobs(jobs.folder, STAND_IN).start("all at once", ["--end", "wait"]).number
        except BusyError as busy:
            return -busy.job.number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(start, range(8))) == [-1] * 7 + [1]


def test_it_runs_at_a_lower_priority_and_apart_from_the_terminal(jobs: Jobs):
    job = jobs.start("", ["--end", "wait"])
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, job.process) == min(19, ours + 10)
    assert os.getpgid(job.process) == job.process


def test_a_cancelled_job_stops_by_itself(jobs: Jobs):
    jobs.start("", ["--end", "wait"])
    until(lambda: jobs.get(1).progress)
    assert jobs.cancel().number == 1
    assert ended(jobs, 1).state == "cancelled"
    assert "stopped cleanly" in (jobs.folder / "1" / "log.txt").read_text()


@pytest.mark.parametrize(
    ("end", "told"), [("crash", "ValueError: nothing was annotated yet"), ("refuse", "too few images")]
)
def test_a_job_that_failed_tells_the_end_of_its_log(jobs: Jobs, end: str, told: str):
    jobs.start("", ["--end", end])
    job = ended(jobs, 1)
    assert job.state == "failed"
    assert job.message == f"{told} ({jobs.folder / '1' / 'log.txt'})"


def test_a_job_whose_process_was_killed_has_failed(jobs: Jobs):
    job = jobs.start("", ["--end", "wait"])
    until(lambda: jobs.get(1).progress)
    os.kill(job.process, signal.SIGKILL)
    assert ended(jobs, 1).state == "failed"
    assert jobs.start("the next", ["--end", "no"]).number == 2


def test_a_job_that_the_disk_does_not_note_is_none(jobs: Jobs, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("click99.registry.jobs.write_begin", full)
        with pytest.raises(OSError, match="No space left"):
            jobs.start("on a full disk", ["--end", "wait"])
    with (jobs.folder / "1" / "alive").open() as alive:  # which its process locks
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert jobs.all() == []
    assert jobs.start("once there is room", ["--end", "no"]).number == 2


def test_a_job_outlives_who_started_it(jobs: Jobs):
    code = f"""
from pathlib import Path
from click99.registry.jobs import Jobs
Jobs(Path({str(jobs.folder)!r}), {STAND_IN!r}).start("", ["--end", "wait"])
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    until(lambda: jobs.get(1).progress)
    assert jobs.get(1).state == "running"
    jobs.cancel(1)
    assert ended(jobs, 1).state == "cancelled"


def test_the_environment_is_the_caller_s(jobs: Jobs):
    jobs.start("", ["--end", "no"], os.environ | {"CLICK99_DEVICE": "cuda:9"})
    ended(jobs, 1)
    assert "CLICK99_DEVICE=cuda:9" in (jobs.folder / "1" / "log.txt").read_text()


def test_what_cannot_be_cancelled_is_told(jobs: Jobs, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(RegistryError, match="no job is running"):
        jobs.cancel()
    with pytest.raises(RegistryError, match=r"1 is no job in .*Known: none yet"):
        jobs.cancel(1)
    jobs.start("", ["--end", "no"])
    ended(jobs, 1)
    with pytest.raises(RegistryError, match="job 1 is over: not promoted"):
        jobs.cancel(1)
    jobs.start("", ["--end", "wait"])
    monkeypatch.setattr("platform.node", lambda: "another machine")
    with pytest.raises(RegistryError, match=r"job 2 runs on (?!another).*: cancel it there"):
        jobs.cancel()


def test_deleted_folders_are_forgotten_and_numbers_grow(jobs: Jobs):
    for number in (1, 2):
        jobs.start("", ["--end", "no"])
        ended(jobs, number)
    for file in (jobs.folder / "1").iterdir():
        file.unlink()
    (jobs.folder / "1").rmdir()
    assert [job.number for job in jobs.all()] == [2]
    assert jobs.start("", ["--end", "no"]).number == 3


def test_one_by_hand_counts_while_it_runs_and_keeps_its_number(jobs: Jobs, tmp_path: Path):
    folder = tmp_path / "by hand"
    for _ in range(2):
        with jobs.running_here(folder):
            assert [(job.number, job.state, job.why) for job in jobs.all()] == [(1, "running", "by hand")]
            with pytest.raises(BusyError, match="job 1"):
                jobs.start("a button")
        write_cancel(folder)
        assert jobs.get(1).state == "cancelled"
    (folder / "cancelled").unlink()
    assert (jobs.get(1).state, jobs.get(1).message) == ("failed", "what it said last stood in its terminal")


def test_a_job_in_the_background_counts_once(jobs: Jobs):
    """What `click99 finetune` does first, as the process of a job that was started."""
    code = f"""
import sys
from pathlib import Path
from click99.registry.jobs import Jobs
with Jobs(Path({str(jobs.folder)!r})).running_here(Path(sys.argv[-1])):
    print("alone")
"""
    Jobs(jobs.folder, (sys.executable, "-c", code)).start("a button")
    ended(jobs, 1)
    assert (jobs.folder / "1" / "log.txt").read_text() == "alone\n"
    assert [job.why for job in jobs.all()] == ["a button"]


@pytest.mark.slow("starts a job")
def test_the_commands_show_and_cancel_jobs(jobs: Jobs):
    def run(*arguments: str, code: int = 0) -> str:
        variables = {"CLICK99_HOME": str(jobs.folder.parent), "COLUMNS": "300"}
        ran = CliRunner().invoke(app, ["models", *arguments], env=variables)
        assert ran.exit_code == code, ran.output
        return ran.output

    assert "No job was started yet" in run("jobs")
    jobs.start("a button", ["--end", "crash"])
    ended(jobs, 1)
    jobs.start("50 corrected annotations", ["--end", "wait"])
    until(lambda: jobs.get(2).progress)
    failed, running = [line for line in run("jobs").splitlines() if "│" in line]
    for part in ("1", "failed", "a button", "ValueError: nothing was annotated yet"):
        assert part in failed
    for part in ("2", "running, 50%", "50 corrected annotations", "half way"):
        assert part in running
    assert run("cancel") == "Job 2 is told to stop.\n"
    ended(jobs, 2)
    assert run("cancel", code=2) == "Error: no job is running\n"
    assert "3 is no job" in run("cancel", "3", code=2)


ODD = ["[]", "7", "null", '"x"', '{"why": 1}', '{"share": "half", "seconds_left": []}', "[" * 100_000]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("file", ["job.json", "progress.json"])
def test_news_of_another_shape_tell_nothing(jobs: Jobs, odd: str, file: str):
    write_begin(jobs.folder / "1", "", os.getpid())
    (jobs.folder / "1" / file).write_text(odd)
    for job in jobs.all():
        assert (job.state, job.share, job.seconds_left, job.message) == (
            "failed",
            0,
            0,
            "what it said last stood in its terminal",
        )
    assert len(jobs.all()) == (file == "progress.json")
    assert list(Retraining(Settings(home=jobs.folder), Database("sqlite://"), jobs).collect())

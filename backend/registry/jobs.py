"""Fine-tunes in the background: one at a time, each in a folder of its own, outliving who began it.

`jobs/N` holds job.json (what was begun), log.txt (what it printed) and what `click99 finetune` writes there,
above all progress.json; of one begun by hand it is a link to its folder, and there is no log.txt. A job's
process holds the lock on `jobs/N/alive`, so nobody has to watch it die.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, get_args

from backend.registry.check import RegistryError
from backend.registry.files import locked, write_json
from backend.registry.versions import now

FINETUNE = (sys.executable, "-m", "backend.cli", "finetune")
NICE = 10  # more than who starts it: clicks come first

State = Literal["running", "promoted", "not promoted", "cancelled", "failed"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Job:
    """why: who asked for it. host, process: where it runs. progress: what it told last (progress.json)."""

    number: int
    folder: Path
    why: str
    started_at: str
    host: str
    process: int
    state: State
    progress: Mapping[str, Any]

    @property
    def message(self) -> str:
        """How it stands, in a line; of one that failed, the last that it printed."""
        if self.state != "failed":
            return str(self.progress.get("message", ""))
        log = self.folder / "log.txt"
        if not log.exists():
            return "what it said last stood in its terminal"
        return f"{log_end(self.folder) or 'its process ended without a word'} ({log})"


class BusyError(RegistryError):
    """Another job is running: `job`."""

    def __init__(self, job: Job):
        super().__init__(f"job {job.number} is running already")
        self.job = job


class Jobs:
    """The jobs in a folder. Any number of processes may start, watch and cancel them."""

    def __init__(self, folder: Path, command: Sequence[str] = FINETUNE):
        """command: what a job runs; `--out FOLDER` is added."""
        self.folder = folder
        self._command = list(command)

    @classmethod
    def at(cls, home: Path) -> Jobs:
        """Of a CLICK99_HOME."""
        return cls(home.expanduser() / "jobs")

    def start(
        self, why: str, options: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> Job:
        """Begin one in a process of its own. BusyError while another runs; OSError from the disk."""
        with locked(self.folder / ".lock"):
            if running := self.running():
                raise BusyError(running)
            number = max(self._numbers(), default=0) + 1
            folder = self.folder / str(number)
            folder.mkdir()
            process = self._begin(folder, options, environment)
            _note(folder, why, process.pid)
        threading.Thread(target=process.wait, name="reap", daemon=True).start()
        return self.get(number)

    def _begin(
        self, folder: Path, options: Sequence[str], environment: Mapping[str, str] | None
    ) -> subprocess.Popen[bytes]:
        with (folder / "log.txt").open("wb") as log, (folder / "alive").open("wb") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)  # handed on to the process
            process = subprocess.Popen(
                [*self._command, "--out", str(folder), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=[alive.fileno()],
                process_group=0,  # the server's Ctrl-C is not for it
            )
        os.setpriority(os.PRIO_PROCESS, process.pid, min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE))
        return process

    @contextmanager
    def running_here(self, folder: Path, why: str = "by hand") -> Iterator[None]:
        """Count this process, which runs a fine-tune in `folder`, as a job until the end.

        One that was begun by `start` counts already. BusyError while another runs; OSError from the disk.
        """
        with ExitStack() as held:
            with locked(self.folder / ".lock"):
                running = self.running()
                if running and (running.host, running.process) != (platform.node(), os.getpid()):
                    raise BusyError(running)
                if not running:
                    held.enter_context(self._enter(folder, why))
            yield

    def _enter(self, folder: Path, why: str) -> IO[bytes]:
        """Note a job in any folder, under its number if it had one before; the file that is locked."""
        folder.mkdir(parents=True, exist_ok=True)
        numbers, here = self._numbers(), folder.resolve()
        if not any((self.folder / str(number)).resolve() == here for number in numbers):
            (self.folder / str(max(numbers, default=0) + 1)).symlink_to(here)
        (folder / "cancelled").unlink(missing_ok=True)
        alive = (folder / "alive").open("wb")
        fcntl.flock(alive, fcntl.LOCK_EX)
        _note(folder, why, os.getpid())
        return alive

    def cancel(self, number: int | None = None) -> Job:
        """Ask a job, the running one unless named, to stop. RegistryError when there is nothing to stop."""
        job = self.running() if number is None else self.get(number)
        if job is None:
            raise RegistryError("no job is running")
        if job.state != "running":
            raise RegistryError(f"job {job.number} is over: {job.state}")
        if job.host != platform.node():
            raise RegistryError(f"job {job.number} runs on {job.host}: cancel it there")
        note_stop(job.folder)
        os.kill(job.process, signal.SIGTERM)
        return job

    def get(self, number: int) -> Job:
        """RegistryError, naming the known ones, when there is none of that number."""
        if job := self._read(number):
            return job
        known = ", ".join(str(job.number) for job in self.all()) or "none yet"
        raise RegistryError(f"{number} is no job in {self.folder}. Known: {known}")

    def all(self) -> list[Job]:
        """The oldest first. The folders of those that are over may be deleted."""
        return [job for number in self._numbers() if (job := self._read(number))]

    def running(self) -> Job | None:
        return next((job for job in reversed(self.all()) if job.state == "running"), None)

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        return sorted(int(entry.name) for entry in self.folder.iterdir() if entry.name.isdecimal())

    def _read(self, number: int) -> Job | None:
        """None while there is no such job, or not yet."""
        folder = self.folder / str(number)
        begun = _read_json(folder / "job.json")
        if not begun:
            return None
        alive = is_locked(folder / "alive")  # before its news: what is dead by now writes none any more
        progress = _read_json(folder / "progress.json")
        return Job(number, folder, state=_state(folder, alive, progress), progress=progress, **begun)


def _note(folder: Path, why: str, process: int) -> None:
    begun = {"why": why, "started_at": now(), "host": platform.node(), "process": process}
    write_json(folder / "job.json", begun)


def note_stop(folder: Path) -> None:
    """Somebody wished the job to stop: it has not failed."""
    (folder / "cancelled").touch()


def _state(folder: Path, alive: bool, progress: Mapping[str, Any]) -> State:
    if alive:
        return "running"
    if progress.get("phase") == "done":
        return "promoted" if progress.get("promoted") else "not promoted"
    return "cancelled" if (folder / "cancelled").exists() else "failed"


def _read_json(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}


def is_locked(file: Path) -> bool:
    """Whether some process holds the lock on a file."""
    try:
        with file.open("rb") as opened:
            return not _try_shared(opened)
    except OSError:
        return False


def _try_shared(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def log_end(folder: Path) -> str:
    """The last line that a job printed."""
    try:
        text = (folder / "log.txt").read_text(errors="replace")
    except OSError:
        return ""
    return (text.strip().splitlines() or [""])[-1]

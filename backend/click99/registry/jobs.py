"""Fine-tunes, and looks at what they brought, in the background: one at a time, each in a folder of its own,
outliving who began it.

`jobs/N` is a job's folder (job.py), or a link to it of one begun by hand.
"""

from __future__ import annotations

import fcntl
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock

from click99.registry.check import RegistryError
from click99.registry.job import Job, JobKind, read_job, write_begin, write_cancel

FINETUNE = (sys.executable, "-m", "click99.cli", "finetune")
WATCH = (sys.executable, "-m", "click99.cli", "watch")
WANTED = "wanted"  # the file that says that one is, and why
NICE = 10  # more than who starts it: clicks come first


class BusyError(RegistryError):
    """Another job is running: `job`."""

    def __init__(self, job: Job):
        super().__init__(f"job {job.number} is running already")
        self.job = job


class Jobs:
    """The jobs in a folder. Any number of processes may start, watch and cancel them."""

    def __init__(self, folder: Path, command: Sequence[str] = FINETUNE, kind: JobKind = "fine-tune"):
        """command, kind: what a job that is begun here runs, and is; `--out FOLDER` is added."""
        self.folder = folder
        self._kind: JobKind = kind
        self._command = list(command)

    @classmethod
    def at(cls, home: Path, command: Sequence[str] = FINETUNE, kind: JobKind = "fine-tune") -> Jobs:
        """Of a CLICK99_HOME."""
        return cls(home.expanduser() / "jobs", command, kind)

    def start(
        self,
        why: str,
        options: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        projects: str = "",
    ) -> Job:
        """Begin one in a process of its own, for a group of projects, "": for all or for whom it chooses
        itself. variables: of its environment, beside this process's. BusyError while another runs; OSError
        from the disk."""
        with FileLock(self.folder / ".lock"):
            if running := self.running():
                raise BusyError(running)
            number = max(self._numbers(), default=0) + 1
            folder = self.folder / str(number)
            folder.mkdir()
            given = ("--project", projects) if projects else ()
            process = self._begin(folder, (*options, *given), variables or {})
            try:
                write_begin(folder, why, process.pid, self._kind, projects)
            except OSError:  # what nobody knows of must not train
                process.kill()
                process.wait()
                raise
        threading.Thread(target=process.wait, name="reap", daemon=True).start()
        return self.get(number)

    def _begin(
        self, folder: Path, options: Sequence[str], variables: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **variables}
        environment.pop("PROMETHEUS_MULTIPROC_DIR", None)  # its counters are not the server's
        with (folder / "log.txt").open("wb") as log, (folder / "alive").open("wb") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)  # handed on to the process, which FileLock's can't be
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

    def want(self, why: str, projects: str = "") -> None:
        """Keep the wish for one after the running one. Who wishes again meanwhile wishes the same."""
        (self.folder / f"{WANTED}{projects}").write_text(why)

    def take_wanted(self) -> tuple[str, str] | None:
        """Why one is wanted, and for which group of projects, to whoever asks first, once none is running."""
        wishes = sorted(self.folder.glob(f"{WANTED}*"), key=_written)
        if not wishes or self.running():
            return None
        taken = self.folder / f".{wishes[0].name}.{os.getpid()}"
        try:
            os.replace(wishes[0], taken)
        except FileNotFoundError:  # another worker was faster
            return None
        why = taken.read_text()
        taken.unlink()
        return why, wishes[0].name.removeprefix(WANTED)

    @contextmanager
    def running_here(self, folder: Path, projects: str = "") -> Iterator[None]:
        """Count this process, which runs a fine-tune in `folder`, as a job until the end.

        One that was begun by `start` counts already. BusyError while another runs; OSError from the disk.
        """
        with ExitStack() as held:
            with FileLock(self.folder / ".lock"):
                running = self.running()
                if running and (running.host, running.process) != (platform.node(), os.getpid()):
                    raise BusyError(running)
                if not running:
                    held.enter_context(self._enter(folder, projects))
                elif running.projects != projects:
                    write_begin(folder, running.why, running.process, running.kind, projects)
            yield

    def _enter(self, folder: Path, projects: str) -> IO[bytes]:
        """Note a job in any folder, under its number if it had one before; the file that is locked."""
        folder.mkdir(parents=True, exist_ok=True)
        numbers, here = self._numbers(), folder.resolve()
        if not any((self.folder / str(number)).resolve() == here for number in numbers):
            (self.folder / str(max(numbers, default=0) + 1)).symlink_to(here)
        (folder / "cancelled").unlink(missing_ok=True)
        alive = (folder / "alive").open("wb")
        fcntl.flock(alive, fcntl.LOCK_EX)
        write_begin(folder, "by hand", os.getpid(), self._kind, projects)
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
        write_cancel(job.folder)
        os.kill(job.process, signal.SIGTERM)
        return job

    def get(self, number: int) -> Job:
        """RegistryError, naming the known ones, when there is none of that number."""
        if job := read_job(self.folder / str(number)):
            return job
        known = ", ".join(str(job.number) for job in self.all()) or "none yet"
        raise RegistryError(f"{number} is no job in {self.folder}. Known: {known}")

    def all(self) -> list[Job]:
        """The oldest first. The folders of those that are over may be deleted."""
        return [job for number in self._numbers() if (job := read_job(self.folder / str(number)))]

    def running(self) -> Job | None:
        return next((job for job in reversed(self.all()) if job.state == "running"), None)

    def last(self, projects: str) -> Job | None:
        """The newest fine-tune that learnt from a group of projects."""
        jobs = reversed(self.all())
        return next((job for job in jobs if job.kind == "fine-tune" and job.projects == projects), None)

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        return sorted(int(entry.name) for entry in self.folder.iterdir() if entry.name.isdecimal())


def _written(file: Path) -> float:
    """When; of one that is gone by now, never."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return float("inf")

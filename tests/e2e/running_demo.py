"""`click99 demo` as a person starts it: a process of its own, known by what it prints."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LABEL_STUDIO = ROOT / ".venv-label-studio" / "bin" / "label-studio"
EMPTY_DATABASE = ROOT / ".venv-label-studio" / "data" / "label_studio.sqlite3"

# Seconds that Label Studio waits for click99, which it gives one by itself: too few on a busy machine.
PATIENCE = {
    "ML_CONNECTION_TIMEOUT": "60",
    "ML_TIMEOUT_HEALTH": "60",
    "ML_TIMEOUT_SETUP": "60",
    "ML_TIMEOUT_DELETE": "60",
    "ML_TIMEOUT_TRAIN_JOB_STATUS": "60",
    "WEBHOOK_TIMEOUT": "60",
}


@dataclass
class RunningDemo:
    """address: Label Studio's; seconds: from the start until the demo said it was ready."""

    process: subprocess.Popen[str]
    folder: Path
    address: str
    project: int
    email: str
    password: str
    printed: str
    seconds: float

    @classmethod
    def start(cls, folder: Path, command: Sequence[str] = (), checkout: Path = ROOT) -> RunningDemo:
        """command: what starts the demo in `folder`, run in `checkout`; none: this checkout's."""
        began = time.monotonic()
        ours = [sys.executable, "-m", "click99.cli", "demo"]
        ours += ["--folder", str(folder), "--label-studio", str(LABEL_STUDIO)]
        with taken(8080), taken(9090):  # so that each takes ports of its own, however many start at once
            process = subprocess.Popen(
                command or ours,
                cwd=checkout,
                env=os.environ | PATIENCE | {"COLUMNS": "160"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            printed = _until_ready(process)
        seconds = time.monotonic() - began
        place, login = (
            re.search(r"(http://\S+)/projects/(\d+)/data", printed),
            re.search(r"(\S+@\S+)\s+password: (\S+)", printed),
        )
        assert place, printed
        assert login, printed
        return cls(process, folder, place[1], int(place[2]), login[1], login[2], printed, seconds)

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait until the demo itself is gone."""
        self.process.send_signal(number)
        self.process.wait(120)
        assert self.process.stdout
        self.process.stdout.close()

    def processes(self) -> list[int]:
        """The ids of all processes that work in the demo's folder, told by their environment."""
        found = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            try:
                if str(self.folder).encode() in environment.read_bytes():
                    found.append(int(environment.parent.name))
            except OSError:  # ended meanwhile, or another user's
                continue
        return found


@contextmanager
def running_demo(folder: Path) -> Iterator[RunningDemo]:
    """Until the end, or until a test ends it; the test is skipped where something is missing."""
    if not LABEL_STUDIO.exists():
        pytest.skip("needs Label Studio in .venv-label-studio: run `make e2e`")
    if not shutil.which("chromium"):
        pytest.skip("needs Chromium: run `make e2e`")
    running = RunningDemo.start(folder)
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGTERM)


def with_empty_database(folder: Path) -> Path:
    """A demo's `folder`, with Label Studio's tables if `make e2e` has made them: half a minute of a core."""
    if EMPTY_DATABASE.exists():
        (folder / "label-studio").mkdir()
        shutil.copy(EMPTY_DATABASE, folder / "label-studio")
    return folder


@contextmanager
def taken(port: int) -> Iterator[None]:
    with ExitStack() as held:
        with suppress(OSError):  # by another program: as good
            held.enter_context(socket.create_server(("127.0.0.1", port)))
        yield


def _until_ready(process: subprocess.Popen[str]) -> str:
    printed = ""
    assert process.stdout
    for line in process.stdout:
        printed += line
        if line.startswith("Ctrl-C ends"):
            return printed
    raise AssertionError(f"the demo ended with exit code {process.wait()}:\n{printed}")

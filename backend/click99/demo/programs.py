"""Programs that the demo starts, watches and always ends again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import requests

from click99.demo.errors import DemoError

HOST = "127.0.0.1"
GRACE_SECONDS = 10.0  # between asking a program to end and ending it


def free_port(preferred: int) -> int:
    """`preferred` when nothing listens on it, else a port that the system picks."""
    for port in (preferred, 0):
        with socket.socket() as probe, suppress(OSError):
            # Without this a port stays "taken" for a minute after the last demo ended.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return probe.getsockname()[1]
    raise DemoError(f"No free port on {HOST}: end a program that listens there, then try again.")


class Program:
    """A web server on `HOST`, in a session of its own: Ctrl-C reaches the demo alone, which then ends it.

    Its output goes to `log`. Use it as a context: leaving it ends the program and all that it started.
    """

    def __init__(
        self, name: str, command: Sequence[str], port: int, log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.url = f"http://{HOST}:{port}"
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal(number)
            if self._ends_within(GRACE_SECONDS):
                return

    def _signal(self, number: int) -> bool:
        """Send a signal to the program and all that it started (0: none); False when they are gone."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
            return True
        return False

    def _ends_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._process.poll()  # takes note of its end, without which it counts as there
            if not self._signal(0):
                return True
            time.sleep(0.05)
        return False

    def check(self) -> None:
        """DemoError when the program has ended."""
        if (code := self._process.poll()) is not None:
            raise DemoError(f"{self.name} ended by itself (exit code {code}). Its log: {self.log}")

    def is_up(self) -> bool:
        """Whether it answers /health; DemoError when it has ended."""
        self.check()
        try:
            return requests.get(f"{self.url}/health", timeout=2).ok
        except requests.RequestException:
            return False

    def wait_until_up(self, seconds: float) -> None:
        """Return once it is up; DemoError when it is not within `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.is_up():
            if time.monotonic() > deadline:
                raise DemoError(f"{self.name} did not answer within {seconds:.0f} s. Its log: {self.log}")
            time.sleep(0.2)

"""`click99 serve` as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from click99.demo.programs import free_port


@contextmanager
def serving(home: Path, *options: str) -> Iterator[str]:
    """`click99 serve` with one thread a process, up to its first answer -> its address."""
    port = free_port(0)
    command = [sys.executable, "-m", "click99.cli", "serve", "--port", str(port), "--threads", "1"]
    address = f"http://127.0.0.1:{port}"
    with running([*command, "--home", str(home), *options], address, home / "click99.log"):
        yield address


@contextmanager
def running(
    command: Sequence[str], address: str, log: Path, end: signal.Signals = signal.SIGINT
) -> Iterator[subprocess.Popen[bytes]]:
    """Anything that serves click99 there, from its first answer to Ctrl-C, or another signal that ends it.

    What does not end within a minute is killed, and fails the test.
    """
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=os.environ, start_new_session=True)
        try:
            _wait_until_up(process, address)
            yield process
        finally:
            _end(process, end)


def _end(process: subprocess.Popen[bytes], end: signal.Signals) -> None:
    process.send_signal(end)
    try:
        process.wait(60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _wait_until_up(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(requests.RequestException):
            if requests.get(f"{address}/health", timeout=5).ok:
                return
        time.sleep(0.3)
    raise AssertionError(f"click99 serve did not come up (exit code {process.poll()})")

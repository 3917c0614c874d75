"""`click99 serve` as a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests


@contextmanager
def serving(home: Path, *options: str) -> Iterator[str]:
    """`click99 serve` with one thread a process, up to its first answer -> its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "click99.cli", "serve", "--port", str(port), "--threads", "1"]
    command += ["--home", str(home), *options]
    address = f"http://127.0.0.1:{port}"
    with (home / "click99.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
        try:
            _wait_until_up(process, address)
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _wait_until_up(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if requests.get(f"{address}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise AssertionError(f"click99 serve did not come up (exit code {process.poll()})")

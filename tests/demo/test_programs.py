"""Starting, watching and ending programs, with real ones."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from click99.demo import programs
from click99.demo.errors import DemoError
from click99.demo.programs import HOST, Program, free_port

# Answers /health, has a child of its own, and writes both process ids.
SERVER = """
import os, signal, subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "600"])
print(os.getpid(), child.pid, flush=True)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def python(code: str, tmp_path: Path, *arguments: str) -> Program:
    port = free_port(0)
    command = [sys.executable, "-c", code, str(port), *arguments]
    return Program("Test", command, port, tmp_path / "test.log", os.environ)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_free_port_prefers_the_usual_one() -> None:
    port = free_port(0)
    assert free_port(port) == port


def test_free_port_avoids_a_taken_one() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) != port


@pytest.mark.slow("starts programs")
@pytest.mark.parametrize("manner", ["willing", "stubborn"])
def test_leaving_ends_the_program_and_its_children(
    manner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "GRACE_SECONDS", 0.5)
    with python(SERVER, tmp_path, manner) as program:
        program.wait_until_up(20)
        pids = [int(word) for word in program.log.read_text().split()[:2]]
        assert [alive(pid) for pid in pids] == [True, True]
    assert [alive(pid) for pid in pids] == [False, False]


def test_a_program_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    with (
        python("raise SystemExit(3)", tmp_path) as program,
        pytest.raises(DemoError, match=r"Test ended by itself \(exit code 3\).*test\.log"),
    ):
        program.wait_until_up(20)


@pytest.mark.slow("starts programs")
def test_a_program_that_never_answers_is_reported(tmp_path: Path) -> None:
    with (
        python("import time; time.sleep(60)", tmp_path) as program,
        pytest.raises(DemoError, match="did not answer within 1 s"),
    ):
        program.wait_until_up(1)

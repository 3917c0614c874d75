"""The command line: instant help that names every setting, readable refusals, and a server that answers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from typer.testing import CliRunner

from click99.cli import app
from click99.server.settings import Settings, variable

runner = CliRunner(env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_help_names_every_setting():
    shown = plain(runner.invoke(app, ["serve", "--help"]).stdout)
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')}" in shown
        assert variable(name) in shown
        assert field.description


def test_help_needs_no_torch():
    code = "import sys, click99.cli; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "CLICK99_PORT"),
        (["--label-studio-url", "localhost:8080"], "LABEL_STUDIO_URL"),
        (["--basic-auth-user", "ann"], "CLICK99_BASIC_AUTH_PASSWORD"),
        (["--model", "nowhere.safetensors"], "nowhere.safetensors"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_a_wrong_setting_is_named(tmp_path: Path, command: str, arguments: list[str], message: str):
    result = runner.invoke(app, [command, "--home", str(tmp_path), *arguments])
    assert result.exit_code in (1, 2)
    assert message in plain(result.output)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[str]:
    """`python -m click99.cli serve`, as the demo starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {"CLICK99_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "click99.cli", "serve", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, env=env)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(10) in (0, -signal.SIGINT)  # Ctrl-C ends it


def test_serve_answers_until_ctrl_c(serving: str):
    deadline = time.monotonic() + 60
    while True:
        try:
            assert requests.get(f"{serving}/health", timeout=1).json()["status"] == "UP"
            return
        except requests.ConnectionError:
            assert time.monotonic() < deadline, "click99 serve did not start within 60 s"
            time.sleep(0.2)

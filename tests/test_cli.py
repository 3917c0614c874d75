"""The command line: instant help that names every setting, readable refusals, and a server that answers."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.main import get_group
from typer.testing import CliRunner

from click99.cli import app
from click99.server.serve import check_free
from click99.server.settings import Settings, variable
from tests.reference_pages import commands, paragraphs

runner = CliRunner(env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_help_names_every_setting():
    shown = plain(runner.invoke(app, ["serve", "--help"]).stdout)
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')}" in shown
        assert variable(name) in shown
        assert field.description


@pytest.mark.parametrize(("name", "command"), commands(get_group(app)))  # type: ignore[arg-type]
def test_help_is_short_and_every_setting_is_taken(name: str, command: Any):
    settings = [one for one in command.params if one.name in Settings.model_fields]
    shown = [one.name for one in settings if not one.hidden]
    assert len(shown) <= 14 or name in ("click99 serve", "click99 doctor")
    if len(settings) > 14:
        assert [one.name for one in settings] == [*Settings.model_fields]
        assert "home" in shown
    if len(settings) > len(shown):
        said = plain(runner.invoke(app, [*name.split()[1:], "--help"]).stdout)
        assert "the others: click99 serve --help" in said
        assert "--requests-at-once" not in said


def test_a_setting_that_help_does_not_show_counts(tmp_path: Path):
    result = runner.invoke(app, ["stats", "--home", str(tmp_path), "--port", "70000"])
    assert "CLICK99_PORT: Input should be less than" in result.stderr


def test_help_needs_no_torch():
    code = "import sys, click99.cli; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("name", "command"), commands(get_group(app)))  # type: ignore[arg-type]
def test_the_help_of_every_command_ends_with_an_example_that_it_takes(name: str, command: Any):
    example = paragraphs(command)[-1]
    assert example in plain(runner.invoke(app, [*name.split()[1:], "--help"]).stdout)
    assert example.startswith(name), f"add an example, click99 …, as the last paragraph of {name}'s docstring"
    words = shlex.split(example.removeprefix(name))
    context = command.context_class(command)
    given, rest, _ = command.make_parser(context).parse_args(words)
    assert rest == []
    required = {parameter.name for parameter in command.params if parameter.required}
    assert required <= {option for option, value in given.items() if value}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "CLICK99_PORT"),
        (["--label-studio-url", "localhost:8080"], "LABEL_STUDIO_URL"),
        (["--basic-auth-user", "ann"], "CLICK99_BASIC_AUTH_PASSWORD"),
        (["--model", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--memory", "on"], "'off', 'picture', 'project'"),
        (["--device", "abacus"], "CLICK99_DEVICE: abacus is no device: give auto, cpu"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_a_wrong_setting_is_named(tmp_path: Path, command: str, arguments: list[str], message: str):
    result = runner.invoke(app, [command, "--home", str(tmp_path), *arguments])
    assert result.exit_code in (1, 2)
    assert message in plain(result.output)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("serve --port 70000", "CLICK99_PORT: Input should be less than"),
        ("serve --model {}/none.safetensors", "none.safetensors does not exist"),
        ("doctor --home {} --basic-auth-user ann", "CLICK99_BASIC_AUTH_PASSWORD belong together"),
        ("recover --home {}", "LABEL_STUDIO_URL: not set"),
        ("sync --home {} --export {}/none.csv", "none.csv"),
        ("collect --home {} --out {}/set", "there is no record"),
        ("finetune --home {} --out {}/run", "nothing to collect"),
        ("stats --home {} --by moon", "--by moon: not one of"),
        ("stats --database-url sqlite:///{}", "unable to open database file"),
        ("models show none --home {}", "none is no version"),
        ("models cancel 3 --home {}", "3 is no job"),
        ("demo --folder {}/demo --label-studio {}/none", "make demo"),
        ("describe large", "preset 'large' is unknown"),
        ("import-weights {}/none.pth {}/out.safetensors", "none.pth does not exist"),
        ("average {}/none.safetensors --out {}/mean.safetensors", "none.safetensors does not exist"),
        ("train --data {} --out {}/run", "manifest.csv does not exist"),
        ("serve --home {} --host nowhere.invalid", "CLICK99_HOST: nowhere.invalid is no address"),
        ("report --out {}/report --data grabcut", "--data 'grabcut' is not NAME=FOLDER"),
    ],
)
def test_an_expected_failure_is_one_line_and_exit_code_2(tmp_path: Path, command: str, message: str):
    result = runner.invoke(app, command.format(*[tmp_path] * 2).split())
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        "stats",
        "db status",
        "export --out new",
        "collect --out new",
        "models list",
        "models show",
        "models diff one",
        "models jobs",
    ],
)
def test_what_only_reads_makes_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str):
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, [*command.split(), "--home", "typo"])
    assert result.exit_code == 2
    assert "--home" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_memory_that_lacks_is_told(monkeypatch: pytest.MonkeyPatch):
    def large(_: Settings) -> None:
        raise MemoryError("Unable to allocate 596 MiB")

    monkeypatch.setattr("click99.server.serve.run", large)
    result = runner.invoke(app, ["serve"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: it needs more memory than is free (Unable to allocate 596 MiB).")


def test_a_bug_is_no_expected_failure(monkeypatch: pytest.MonkeyPatch):
    def broken(_: Settings) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("click99.server.serve.run", broken)
    assert isinstance(runner.invoke(app, ["serve"]).exception, RuntimeError)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.parametrize("more", ["", "--workers 2 --redis-url redis://localhost:1"])
def test_a_port_in_use_is_told_with_another(tmp_path: Path, taken: int, more: str):
    asked = ["serve", "--home", str(tmp_path), "--port", str(taken), *more.split()]
    result = runner.invoke(app, asked)
    assert result.exit_code == 2
    assert f"port {taken} of 127.0.0.1 is in use (by another click99?): --port {taken + 1}" in result.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_port_is_free_or_not_at_any_name_of_this_computer(taken: int, host: str):
    with pytest.raises(ValueError, match=f"port {taken} of {host} is in use"):
        check_free(host, taken)
    check_free(host, 0)


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


@pytest.mark.slow("starts the command")
def test_serve_answers_until_ctrl_c(serving: str):
    deadline = time.monotonic() + 60
    while True:
        try:
            assert requests.get(f"{serving}/health", timeout=1).json()["status"] == "UP"
            return
        except requests.ConnectionError:
            assert time.monotonic() < deadline, "click99 serve did not start within 60 s"
            time.sleep(0.2)

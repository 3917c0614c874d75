"""The command around the programs: one at a time, ended by any signal, and told apart from its siblings."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from click99.cli import app
from click99.demo.command import alone_in, exports, surroundings
from click99.demo.errors import DemoError
from click99.demo.label_studio import Account

ENDING = """
import time
from click99.demo.command import ended_by_signals
with ended_by_signals():
    try:
        print("ready", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("ending", flush=True)
        time.sleep(1)
        print("ended", flush=True)
"""


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    refused = pytest.raises(DemoError, match=r"already runs in .*--folder")
    with alone_in(tmp_path), refused, alone_in(tmp_path):
        pass
    with alone_in(tmp_path):
        pass


@pytest.mark.slow("starts programs")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_a_second_one_does_not_interrupt_that(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", ENDING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == "ending\n"
        process.send_signal(number)
        assert process.stdout.read() == "ended\n"
    assert process.returncode == 0


def test_a_missing_label_studio_ends_it_with_a_remedy(tmp_path: Path) -> None:
    options = ["--folder", str(tmp_path / "demo"), "--label-studio", str(tmp_path / "none")]
    result = CliRunner().invoke(app, ["demo", *options])
    assert result.exit_code == 2
    assert "make demo" in result.stderr
    assert "Traceback" not in result.output


def test_other_commands_find_the_demo(tmp_path: Path) -> None:
    """By the line that is printed, whatever the folder is called."""
    account, folder = Account("a@b", "secret", "0123"), tmp_path / "my demo"
    line = exports(surroundings("http://127.0.0.1:8080", account, folder))
    shown = subprocess.run(
        ["sh", "-c", f'{line}; echo "$CLICK99_HOME $LABEL_STUDIO_URL $LABEL_STUDIO_API_KEY"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == f"{folder / 'click99'} http://127.0.0.1:8080 0123\n"

"""What long commands show, and what they say when they are stopped."""

from __future__ import annotations

import pytest
import typer

from click99.progress import progress


def test_a_bar_tells_how_many_and_how_long_yet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with progress("pictures", "") as tick:
        tick(3, 12)
    told = capsys.readouterr()
    assert not told.out, "stdout is the command's own"
    assert "pictures" in told.err
    assert "3/12" in told.err.replace(" ", "").replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert "-:--:--" in told.err, "the time left, which two pictures tell"


def stopped() -> None:
    with progress("tasks", "the same command goes on.") as tick:
        tick(1, 2)
        raise KeyboardInterrupt


def test_ctrl_c_says_what_it_leaves(capsys: pytest.CaptureFixture):
    with pytest.raises(typer.Exit) as ended:
        stopped()
    assert ended.value.exit_code == 1
    assert "Stopped: the same command goes on." in capsys.readouterr().err


def test_other_ends_are_none_of_its_business():
    with pytest.raises(ValueError, match="no"), progress("tasks", "the same command goes on."):
        raise ValueError("no")

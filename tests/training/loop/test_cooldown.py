"""`click99 cooldown`: what branches off a run without end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from click99.cli import app
from click99_training.loop.cooldown import cool_down
from click99_training.loop.train import train
from tests.training.loop.small_runs import same, seen, small_run, stopped_at_its_first_save


@pytest.mark.slow("trains")
def test_a_cooldown_branches_off_a_run_without_end(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It goes on bit for bit where it was stopped; what it branched off stays as it was, to go on itself."""
    run, parts = tmp_path / "run", tmp_path / "parts"
    with stopped_at_its_first_save(monkeypatch):
        train(replace(small_run(data_folder, run, 0, recipe="compact-endless"), images=None))
    before = (run / "last.pt").read_bytes()
    whole = cool_down(run, tmp_path / "whole", images=6)
    with stopped_at_its_first_save(monkeypatch):
        cool_down(run, parts, images=6)
    with pytest.raises(ValueError, match=r"another run began there, .* to 10 images"):
        cool_down(run, parts, images=40)
    assert same(cool_down(run, parts), whole)
    assert not same(whole, run / "compact.safetensors")
    assert (seen(run), seen(parts)) == (4, 10)
    assert (run / "last.pt").read_bytes() == before


@pytest.mark.slow("trains")
def test_a_run_that_cools_down_by_itself_has_no_cooldown(data_folder: Path, tmp_path: Path):
    train(small_run(data_folder, tmp_path / "run", 2))
    result = CliRunner().invoke(app, ["cooldown", str(tmp_path / "run"), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "its schedule is cosine" in result.stderr

"""The ablation on a tiny data set: one that stopped goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from click99.cli import app
from click99.segmentation.presets import COMPACT, PRESETS
from tests.training.rows import rows


@pytest.mark.slow("trains")
def test_an_ablation_goes_on_where_it_stopped(
    data_folder: Path, benchmark_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    small = replace(COMPACT, view="whole")  # looks at small pictures as they are, which is fast
    monkeypatch.setitem(PRESETS, "compact", small)

    def ablate(variants: str) -> list[dict]:
        command = ["ablation", "--data", str(data_folder), "--benchmark", f"tiny={benchmark_folder}"]
        command += ["--out", str(tmp_path), "--images", "2", "--crops", "64:2:1", "--threads", "1"]
        result = CliRunner().invoke(app, [*command, "--variants", variants])
        assert result.exit_code == 0, result.output
        return rows(tmp_path / "table.csv")

    first = ablate("+T")
    begun = (tmp_path / "+T.tiny.json").stat().st_mtime_ns
    both = ablate("+T,baseline")
    assert both[0] == first[0]
    assert [row["variant"] for row in both] == ["+T", "baseline"]
    assert 0 <= float(both[1]["tiny auc"]) <= 1
    assert (tmp_path / "+T.tiny.json").stat().st_mtime_ns == begun


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--variants", "+T,+X"], "variant '+X' is unknown"),
        (["--benchmark", "grabcut"], "--benchmark 'grabcut' is not NAME=FOLDER"),
    ],
)
def test_wrong_options_are_told_before_anything_is_trained(
    data_folder: Path, benchmark_folder: Path, tmp_path: Path, options: list[str], complaint: str
):
    command = ["ablation", "--data", str(data_folder), "--benchmark", f"tiny={benchmark_folder}"]
    result = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "out"), "--images", "2", *options])
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert not (tmp_path / "out").exists()

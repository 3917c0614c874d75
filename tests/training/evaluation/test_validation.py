"""The validation table: rows, the score, and whether one checkpoint is surely better than another."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from click99.cli import app
from click99.segmentation.predictor import Predictor
from click99_training.evaluation.validation import (
    DOMAIN,
    Suite,
    Validation,
    compared,
    score,
    suites,
    validate,
)


def table(mean: float, count: int = 40, seed: int = 0) -> np.ndarray:
    return np.clip(mean + np.random.default_rng(seed).normal(0, 0.1, (count, 1)).repeat(20, 1), 0, 1)


def test_every_row_counts_alike_and_all_domains_as_one():
    rows = {
        "alone": np.full((30, 20), 0.9),
        f"{DOMAIN}a": np.full((3, 20), 0.2),
        f"{DOMAIN}b": np.full((9, 20), 0.6),
    }
    assert score(rows)[0] == pytest.approx((0.9 + 0.4) / 2)


def test_a_gain_on_every_sample_is_sure_and_chance_is_not():
    before = {"alone": table(0.7), "mosaic 2 × 2": table(0.5)}
    gained = {name: np.minimum(each + 0.05, 1) for name, each in before.items()}
    chance = np.random.default_rng(1).normal(0, 0.05, (40, 1))
    noise = {name: each + chance - chance.mean() for name, each in before.items()}
    assert "surely better" in compared(gained, before)
    assert "surely worse" in compared(before, gained)
    assert "not surely different" in compared(noise, before)


def test_tables_of_other_samples_are_not_compared():
    with pytest.raises(ValueError, match="not of the same samples"):
        compared({"alone": table(0.7)}, {"alone": table(0.7, count=20)})


def test_a_suite_for_each_kind_of_work_and_each_source(data_folder: Path):
    asked = Validation(data_folder, data_folder, None, each=2, threads=1)
    names = [suite.name for suite in suites(asked)]
    assert names[:3] == ["alone", "mosaic 2 × 2", "mosaic 4 × 4"]
    assert "people's clicks" in names
    assert any(name.startswith(DOMAIN) for name in names)


def test_a_stopped_validation_goes_on_with_the_next_suite(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def stopping(_: Predictor, suite: Suite, clicks: int) -> np.ndarray:
        measured.append(suite.name)
        if len(measured) == 3:
            raise KeyboardInterrupt
        return np.full((2, clicks), 0.5)

    measured: list[str] = []
    monkeypatch.setattr("click99_training.evaluation.validation.measure", stopping)
    asked, out = Validation(data_folder, None, None, each=2, clicks=5, threads=1), tmp_path / "ious.json"
    command = ["validate", "--data", str(data_folder), "--each", "2", "--clicks", "5", "--threads", "1"]
    stopped = CliRunner().invoke(app, [*command, "--json", str(out)])
    assert (stopped.exit_code, stopped.stderr) == (1, "Stopped, and saved: the same command goes on.\n")
    validate(asked, out, None)
    names = [suite.name for suite in suites(asked)]
    assert measured == [*names[:3], *names[2:]]
    assert [*json.loads(out.read_text())["ious"]] == names
    assert [*tmp_path.iterdir()] == [out]


@pytest.mark.slow("evaluates twice")
def test_the_command_prints_the_table_and_compares(data_folder: Path, tmp_path: Path):
    ious = tmp_path / "shipped.json"
    arguments = ["validate", "--data", str(data_folder), "--each", "2", "--clicks", "5", "--threads", "1"]
    first = CliRunner().invoke(app, [*arguments, "--json", str(ious)])
    assert first.exit_code == 0, first.output
    assert "mosaic 4 × 4" in first.output
    assert set(json.loads(ious.read_text())["ious"]) >= {"alone", "inverted", "shapes, 6 MP"}
    again = CliRunner().invoke(app, [*arguments, "--against", str(ious)])
    assert "+0.0000 (+0.0000 to +0.0000), not surely different" in again.output

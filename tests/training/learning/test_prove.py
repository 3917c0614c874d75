"""`click99 prove-learning`, whole: a real server, clicks over HTTP, a fine-tune, and the figures."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from click99.annotations.database import Database, sqlite_url
from click99.annotations.saved_masks import MaskFilter, saved_masks
from click99.cli import app
from click99.registry.versions import Registry
from click99_training.learning.snapshots import save
from tests.training.snapshot import pictures

CORRECTED = 6  # the fewest that the gate judges by


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    for k, (image, mask) in enumerate(itertools.islice(pictures(), CORRECTED + 2)):
        save(folder / "images" / f"{k}.png", image)
        save(folder / "masks" / f"{k}.png", mask)
    return folder


@pytest.fixture
def out(tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The proof's folder, whose server serves a quick network as if it were the shipped one."""
    registry = Registry.at(tmp_path / "proof" / "home")
    registry.promote(registry.add(whole).name, "quick")
    monkeypatch.setattr("click99_training.learning.prove.SHIPPED", whole)
    return tmp_path / "proof"


@pytest.mark.slow("serves, fine-tunes and evaluates")
def test_a_proof_is_made_once(data: Path, data_folder: Path, benchmark_folder: Path, out: Path):
    command = [
        "prove-learning",
        "--data",
        str(data),
        "--out",
        str(out),
        "--correct",
        str(CORRECTED),
        "--minutes",
        "0.02",
    ]
    command += ["--base-data", str(data_folder), "--base-benchmark", f"own={benchmark_folder}"]
    command += ["--threads", "1", "--alone", "--held-out", "2"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    proof = json.loads((out / "proof.json").read_text())
    alone = "all by what was learnt"
    assert proof["compared"].keys() == {"held out", "own", f"held out, {alone}", f"own, {alone}"}
    assert proof["reached"]["held out"] == 1, "their project was corrected"
    assert proof["compared"]["held out"]["images"] == 2
    assert len(proof["annotating"]["clicks"]) == CORRECTED
    assert proof["gate"]["collected"]["images"] == CORRECTED
    assert (out / "proof.webp").stat().st_size > 1000
    with Database(sqlite_url(out / "home")).reading() as session:
        saved = list(saved_masks(session, MaskFilter()))
        assert [len(each.clicks) for each in saved] == proof["annotating"]["clicks"]
    if not proof["reached"]["own"]:  # as it is, the network before answers: it is not evaluated twice
        before, after = (
            (out / "evaluations" / f"own.{side}.json").read_text() for side in ("before", "after")
        )
        assert before == after
    made = {file: file.stat().st_mtime_ns for file in (out / "evaluations").iterdir()}
    assert CliRunner().invoke(app, command).exit_code == 0
    assert made == {file: file.stat().st_mtime_ns for file in (out / "evaluations").iterdir()}


def test_data_with_nothing_left_to_judge_by_is_refused(data: Path, tmp_path: Path):
    command = ["prove-learning", "--data", str(data), "--out", str(tmp_path / "proof"), "--correct", "8"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "has 8 masks: none is left to judge by after 8" in result.stderr

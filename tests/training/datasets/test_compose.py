"""`click99 compose`: cut-outs for the synthetic set, and a picture of what training will see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from click99.cli import app
from click99_training.datasets.image_files import read_rgba
from click99_training.datasets.registry import open_dataset
from click99_training.recipes import COMPACT


def compose(*options: object) -> str:
    result = CliRunner().invoke(app, ["compose", *map(str, options)])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_cuts_out_for_the_synthetic_set(benchmark_folder: Path, tmp_path: Path):
    out, sheet = tmp_path / "synth", tmp_path / "cutouts.png"
    said = compose("--data", benchmark_folder, "--dataset", "folder", "--out", out, "--preview", sheet)
    assert "3 cut-outs" in said
    colours, alpha = read_rgba(out / "foregrounds" / "one.png")
    assert colours.shape[:2] == alpha.shape
    assert {0, 255} <= set(alpha.ravel())
    with Image.open(sheet) as shown:
        assert shown.width > 3 * 200
    (out / "backgrounds").symlink_to(benchmark_folder / "images")
    data = open_dataset("synthetic", out, "train")
    assert len(data) == 3
    assert data.draw(np.random.default_rng(0), COMPACT).truth.any()
    compose("--data", out, "--dataset", "synthetic", "--preview", tmp_path / "sheets" / "composites.png")
    shown = np.asarray(Image.open(tmp_path / "sheets" / "composites.png"))
    assert shown.shape[1] > 6 * 200
    assert len(np.unique(shown)) > 100


def test_the_command_names_what_it_skipped(benchmark_folder: Path, tmp_path: Path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        for path in (benchmark_folder / part).iterdir():
            (tmp_path / part / path.name).write_bytes(path.read_bytes())
    Image.fromarray(np.zeros((60, 80), np.uint8)).save(tmp_path / "masks" / "twoa.png")
    said = compose("--data", tmp_path, "--dataset", "folder", "--out", tmp_path / "out")
    assert "2 cut-outs" in said
    assert "1 skipped:\n  twoa: the mask is empty" in said


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "--out FOLDER"),
        (["--preview", "a.png", "--dataset", "nothing"], "dataset 'nothing' is unknown"),
        (["--preview", "a.png", "--recipe", "nothing"], "recipe 'nothing' is unknown"),
    ],
)
def test_what_the_command_lacks_is_said_in_one_line(data_folder: Path, options: list[str], complaint: str):
    result = CliRunner().invoke(app, ["compose", "--data", str(data_folder), *options])
    assert result.exit_code == 2
    assert complaint in result.output

"""The ablation on a tiny data set: every variant learns, and an ablation that stopped goes on."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from click99.cli import app
from click99.segmentation.network import TwoStreamNetwork
from click99_training.datasets.crops import CropStream
from click99_training.datasets.manifest import ManifestDataset
from click99_training.loop.batch import Batch
from click99_training.loop.trainer import Trainer
from click99_training.loop.variants import ABLATION, CLAIMS, configured


@pytest.mark.parametrize(
    ("preset", "name", "side"),
    [
        (preset, name, side)
        for preset, side in (("compact", 64), ("paper", 32))
        for name in (*ABLATION, *CLAIMS)
    ],
)
def test_twenty_steps_of_every_variant_lower_the_loss_on_one_image(
    data_folder: Path, preset: str, name: str, side: int
):
    network, recipe = configured(preset, name=name)
    rate = 1e-3 if preset == "compact" else 1e-4
    quick = {"head_rate": rate, "encoder_rate": 1e-4, "drops": (1.0,), "optimizer": "adamw"}
    recipe = replace(recipe, nearly_right=0, lenient=0, **quick)
    torch.manual_seed(0)
    trainer = Trainer(TwoStreamNetwork(network), recipe)
    trainer.set_rate(0)
    crop = CropStream(ManifestDataset(data_folder, "train"), recipe, seed=0)[0, side]
    losses: list[list[float]] = []  # of each time the image comes
    while len(np.ravel(losses)) < 20:
        batch = Batch.start([crop], [(0,)], recipe, network.click_encoding)
        losses.append(trainer.train(batch).losses)
    assert np.mean(losses[-1]) < np.mean(losses[0])


def test_an_ablation_goes_on_where_it_stopped(data_folder: Path, benchmark_folder: Path, tmp_path: Path):
    def ablate(variants: str) -> list[dict]:
        command = ["ablation", "--data", str(data_folder), "--benchmark", f"tiny={benchmark_folder}"]
        command += ["--out", str(tmp_path), "--images", "2", "--crops", "64:2:1", "--threads", "1"]
        result = CliRunner().invoke(app, [*command, "--variants", variants])
        assert result.exit_code == 0, result.output
        return list(csv.DictReader((tmp_path / "table.csv").open()))

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

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from click99.cli import app
from click99.segmentation.checkpoint import load_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT
from click99_training.datasets.crops import CropStream
from click99_training.datasets.manifest import ManifestDataset
from click99_training.loop.batch import Batch
from click99_training.loop.nearly_right import nearly_right
from click99_training.loop.pretrained import fold_batch_norm, load_imagenet
from click99_training.loop.train import Run, save, train
from click99_training.loop.trainer import Trainer
from click99_training.recipes import COMPACT as RECIPE


def batch(folder: Path, recipe=RECIPE, first: int = 0) -> Batch:
    stream = CropStream(ManifestDataset(folder, "train"), recipe, seed=0)
    indices = range(first, first + 2)
    return Batch.start([stream[(k, 64)] for k in indices], [(0, k) for k in indices], recipe)


def test_every_click_lands_where_the_mask_was_wrong(data_folder: Path):
    recipe = replace(RECIPE, nearly_right=0)
    some = batch(data_folder, recipe)
    some.click()
    for sample, clicks in zip(some.samples, some.clicks, strict=True):
        assert len(clicks) == 1
        assert clicks[0].positive
        assert sample.truth[clicks[0].y, clicks[0].x]


def test_training_learns_a_batch_by_heart(data_folder: Path):
    torch.manual_seed(0)
    network = TwoStreamNetwork(COMPACT)
    load_imagenet(network.encoder)
    trainer = Trainer(network, replace(RECIPE, nearly_right=0))
    trainer.set_rate(0.1)
    losses = [np.mean(trainer.train(batch(data_folder, trainer.recipe)).losses) for _ in range(12)]
    assert losses[-1] < 0.5 * losses[0]


def test_the_image_stream_learns_too(data_folder: Path):
    network = TwoStreamNetwork(COMPACT)
    before = network.encoder.stem.weight.detach().clone()
    trainer = Trainer(network, RECIPE)
    trainer.set_rate(0.1)
    trainer.train(batch(data_folder))
    assert not torch.equal(before, network.encoder.stem.weight)


@pytest.mark.parametrize("seed", range(5))
def test_nearly_right_masks_are_nearly_right_and_obey_their_clicks(seed: int):
    truth = np.zeros((96, 96), bool)
    truth[20:70, 30:80] = True
    alpha, clicks = nearly_right(truth, np.random.default_rng(seed))
    prediction = alpha > 0.5
    assert 0.5 < (prediction & truth).sum() / (prediction | truth).sum() <= 1
    assert clicks
    for click in clicks:
        assert prediction[click.y, click.x] == truth[click.y, click.x] == click.positive


def test_batch_normalisation_folds_exactly():
    torch.manual_seed(1)
    encoder = TwoStreamNetwork(COMPACT).encoder
    released, expected = {}, []
    for k, conv in enumerate(m for m in encoder.modules() if isinstance(m, torch.nn.Conv2d)):
        norm = torch.nn.BatchNorm2d(conv.out_channels, eps=1e-3).eval()
        for tensor in (norm.weight, norm.bias, norm.running_mean):
            torch.nn.init.normal_(tensor)  # type: ignore[arg-type]
        norm.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
        kernel = torch.randn_like(conv.weight)
        released |= {
            f"{k}.kernel": kernel,
            **{f"n{k}.{name}": value for name, value in norm.state_dict().items()},
        }
        x = torch.randn(1, conv.in_channels, 8, 8)
        expected.append((x, norm(torch.nn.functional.conv2d(x, kernel, None, 1, 0, 1, conv.groups))))
    fold_batch_norm(encoder, released)
    convs = [m for m in encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    for conv, (x, wanted) in zip(convs, expected, strict=True):
        got = torch.nn.functional.conv2d(x, conv.weight, conv.bias, 1, 0, 1, conv.groups)
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


def small_run(data_folder: Path, out: Path, images: int, **changes) -> Run:
    crops = "64:2:0.5,96:2:0.5"
    return Run("compact", data_folder, out, images, save_minutes=0, threads=1, crops=crops, **changes)


def test_a_run_leaves_checkpoint_log_curves_and_settings(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("click99_training.loop.train.LOG_EVERY", 2)
    checkpoint = train(small_run(data_folder, tmp_path / "run", 4))
    assert load_checkpoint(checkpoint).config == COMPACT
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    assert [row["images"] for row in rows] == ["2", "4"]
    assert {"loss", "iou_0", "iou_4"} <= rows[0].keys()
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000
    assert json.loads((tmp_path / "run" / "run.json").read_text())["run"]["images"] == 4


def test_a_run_that_fails_ends(data_folder: Path, tmp_path: Path):
    """Though its traceback is still held, its workers do not keep the process alive."""
    settings = f"Path({str(data_folder)!r}), Path({str(tmp_path)!r}), 40, crops='64:2:1', save_minutes=0"
    code = f"""
import sys
from pathlib import Path
from click99_training.loop import train
def fail(*_):
    raise RuntimeError("no room")
train.save = fail
try:
    train.train(train.Run("compact", {settings}))
except RuntimeError as error:
    sys.held = error
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ended.stdout.endswith("no room\n"), ended.stderr


def test_a_resumed_run_ends_bit_for_bit_like_an_unbroken_one(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = train(small_run(data_folder, tmp_path / "whole", 4))

    def save_and_stop(*args) -> None:
        save(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr("click99_training.loop.train.save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train(small_run(data_folder, tmp_path / "parts", 4))
    monkeypatch.undo()
    parts = train(small_run(data_folder, tmp_path / "parts", 4))
    ours, theirs = load_checkpoint(parts).state_dict(), load_checkpoint(whole).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--preset", "huge"], "preset 'huge' is unknown, there is: paper, compact"),
        (["--crops", "big"], "crops 'big' are not side:batch:share"),
        (["--crops", "100:2:1"], "sides must be multiples of 32"),
        (["--crops", "64:2:0.5"], "shares must sum to 1"),
        (["--start-from", "nowhere.safetensors"], "checkpoint nowhere.safetensors does not exist"),
    ],
)
def test_what_the_caller_can_mend_is_told_in_one_line(
    data_folder: Path, tmp_path: Path, options: list[str], complaint: str
):
    command = ["train", "--data", str(data_folder), "--out", str(tmp_path / "run"), *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_a_folder_without_manifest_is_told_in_one_line(tmp_path: Path):
    result = CliRunner().invoke(app, ["train", "--data", str(tmp_path), "--out", str(tmp_path / "run")])
    assert result.exit_code == 2
    assert "manifest.csv does not exist" in result.stderr

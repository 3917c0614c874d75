"""What only a GPU can show: the same answers as the CPU's, and training in bf16. Skipped without one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from click99.segmentation.checkpoint import SHIPPED, load_checkpoint
from click99.segmentation.click_maps import click_maps
from click99.segmentation.clicks import Click
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.predictor import Predictor
from click99.segmentation.presets import PRESETS
from click99_training.datasets.crops import CropStream
from click99_training.datasets.manifest import ManifestDataset
from click99_training.evaluation.evaluate import annotate
from click99_training.loop.batch import Batch
from click99_training.loop.run import Run
from click99_training.loop.train import train
from click99_training.loop.trainer import Trainer
from click99_training.recipes import COMPACT, FINETUNE, RECIPES, Recipe

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that PyTorch can use")

ROOT = Path(__file__).parents[2]
GPU = torch.device("cuda")


@pytest.fixture
def batch(data_folder: Path) -> Callable[[Recipe], Batch]:
    def made(recipe: Recipe) -> Batch:
        stream = CropStream(ManifestDataset(data_folder, "train"), recipe, seed=0)
        samples = [replace(stream[(k, 64)], taught=k == 0) for k in range(2)]
        return Batch.start(samples, [(0, k) for k in range(2)], recipe, device=GPU)

    return made


def test_click_maps_are_the_cpus():
    clicks = [[(10.5, 20, True), (40, 5, False)], [], [(3, 4, False)]]
    there = click_maps(clicks, 48, 64, device=GPU)
    assert there.device.type == "cuda"
    torch.testing.assert_close(there.cpu(), click_maps(clicks, 48, 64), rtol=1e-5, atol=1e-6)


def test_the_predictor_answers_as_on_the_cpu(data_folder: Path):
    sample = ManifestDataset(data_folder, "val")[0]
    annotations = [annotate(Predictor.load(SHIPPED, device), sample, clicks=4) for device in ("cpu", "cuda")]
    assert annotations[0].clicks[0] == annotations[1].clicks[0]
    here, there = (annotation.ious for annotation in annotations)
    np.testing.assert_allclose(there, here, atol=0.02)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_training_learns_a_batch_by_heart(preset: str, batch: Callable[[Recipe], Batch]):
    torch.manual_seed(0)
    recipe = replace(RECIPES[preset], nearly_right=0.0, head_rate=1e-3, optimizer="adamw", drops=())
    trainer = Trainer(TwoStreamNetwork(PRESETS[preset]), recipe, GPU)
    trainer.set_rate(0.1)
    losses = [np.mean(trainer.train(batch(recipe)).losses) for _ in range(25)]
    assert losses[-1] < 0.7 * losses[0]


def test_a_step_in_bf16_goes_where_one_on_the_cpu_goes(data_folder: Path):
    """Of one batch, from the shipped weights: the loss, and the direction of the first step."""
    recipe = replace(COMPACT, nearly_right=0.0, lenient=0.0)
    stream = CropStream(ManifestDataset(data_folder, "train"), recipe, seed=0)
    losses, steps = [], []
    for device in (torch.device("cpu"), GPU):
        trainer = Trainer(load_checkpoint(SHIPPED), recipe, device)
        trainer.set_rate(0.5)
        samples = [stream[(k, 128)] for k in range(4)]
        some = Batch.start(samples, [(0, k) for k in range(4)], recipe, device=device)
        before = torch.cat([p.detach().flatten().cpu() for p in trainer.network.decoder.parameters()])
        losses.append(trainer.train(some).losses[0])
        after = torch.cat([p.detach().flatten().cpu() for p in trainer.network.decoder.parameters()])
        steps.append(after - before)
    assert losses[1] == pytest.approx(losses[0], rel=0.1)
    assert torch.cosine_similarity(*steps, dim=0) > 0.5


def test_a_teacher_teaches(batch: Callable[[Recipe], Batch]):
    trainer = Trainer(load_checkpoint(SHIPPED), FINETUNE, GPU, teacher=load_checkpoint(SHIPPED))
    trainer.set_rate(0.1)
    assert np.isfinite(trainer.train(batch(FINETUNE)).losses).all()


def test_a_run_is_resumed_and_its_checkpoint_is_served(data_folder: Path, tmp_path: Path):
    run = Run("compact", data_folder, tmp_path, images=4, crops="64:2:1", device="cuda", start_from=SHIPPED)
    train(run)
    made = train(replace(run, images=8))
    alpha = Predictor.load(made).refine(np.zeros((60, 80, 3), np.uint8), [Click(40, 30, True)], None, "it")
    assert alpha[30, 40] == 1


def test_torchrun_trains_on_it(data_folder: Path, tmp_path: Path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=1"]
    command = [*torchrun, "-m", "click99.cli", "train", "--data", str(data_folder), "--out", str(tmp_path)]
    settings = ["--images", "4", "--crops", "64:2:1", "--device", "cuda", "--start-from", str(SHIPPED)]
    subprocess.run(
        [*command, *settings],
        check=True,
        env=dict(os.environ),
        timeout=300,
    )
    assert load_checkpoint(tmp_path / "compact.safetensors")

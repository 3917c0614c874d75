"""Steps of training lower the loss, in both streams."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT
from click99_training.datasets.sample import resize
from click99_training.loop.batch import Batch
from click99_training.loop.pretrained import load_imagenet
from click99_training.loop.trainer import Trainer, quality_loss
from click99_training.recipes import COMPACT as RECIPE
from tests.training.samples import block, first_batch


@pytest.mark.slow("trains")
def test_training_learns_a_batch_by_heart(data_folder: Path):
    torch.manual_seed(0)
    network = TwoStreamNetwork(COMPACT)
    load_imagenet(network.encoder)
    trainer = Trainer(network, replace(RECIPE, nearly_right=0))
    trainer.set_rate(0.1)
    losses = [np.mean(trainer.train(first_batch(data_folder, trainer.recipe)).losses) for _ in range(12)]
    assert losses[-1] < 0.5 * losses[0]


def test_the_image_stream_learns_too(data_folder: Path):
    network = TwoStreamNetwork(COMPACT)
    before = network.encoder.stem.weight.detach().clone()
    trainer = Trainer(network, RECIPE)
    trainer.set_rate(0.1)
    trainer.train(first_batch(data_folder))
    assert not torch.equal(before, network.encoder.stem.weight)


def test_what_a_teacher_answers_has_no_part_in_the_expected_quality():
    samples = [replace(block(), taught=taught) for taught in (False, True)]
    samples = [resize(sample, 64, 64) for sample in samples]
    batch = Batch.start(samples, [(0,), (1,)], replace(RECIPE, nearly_right=0.0))
    assert quality_loss(torch.tensor([-9.0, 0.0]), batch) == quality_loss(torch.tensor([-9.0, 9.0]), batch)
    assert quality_loss(torch.tensor([9.0, 0.0]), batch) > 5

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
from click99_training.loop.trainer import Trainer, moving_average, quality_loss
from click99_training.loop.variants import configured
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


def test_a_frozen_image_stream_stays_and_the_likeness_is_learnt(data_folder: Path):
    network, recipe = configured("compact", "compact-endless", "likeness")
    trainer = Trainer(TwoStreamNetwork(network), replace(recipe, warmup=0, likeness=1.0))
    before = {name: part.clone() for name, part in trainer.network.state_dict().items()}
    trainer.set_rate(0.1)
    for _ in range(2):
        trainer.train(first_batch(data_folder, trainer.recipe))
    after = trainer.network.state_dict()
    image_stream = [name for name in after if name.startswith(("encoder.", "pyramid."))]
    assert image_stream
    assert all(torch.equal(before[name], after[name]) for name in image_stream)
    assert after["interaction.likeness.weight"].any()
    assert trainer.averaged.state_dict()["interaction.likeness.weight"].any()
    assert not torch.equal(before["decoder.head.weight"], after["decoder.head.weight"])


def test_what_a_teacher_answers_has_no_part_in_the_expected_quality():
    samples = [replace(block(), taught=taught) for taught in (False, True)]
    samples = [resize(sample, 64, 64) for sample in samples]
    batch = Batch.start(samples, [(0,), (1,)], replace(RECIPE, nearly_right=0.0))
    assert quality_loss(torch.tensor([-9.0, 0.0]), batch) == quality_loss(torch.tensor([-9.0, 9.0]), batch)
    assert quality_loss(torch.tensor([9.0, 0.0]), batch) > 5


@pytest.mark.parametrize(("steps", "most"), [(5, 0.02), (40, 0.001), (400, 0.001)])
def test_the_moving_average_forgets_what_a_short_run_began_with(steps: int, most: float):
    """At a constant decay of 0.99 two thirds of it were left after 40 steps: such a run learnt nothing."""
    averaged, update = [torch.zeros(3)], moving_average(0.99)
    for step in range(1, steps + 1):
        update(averaged, [torch.ones(3)], torch.tensor(step))
    assert 1 - averaged[0][0] < most


def test_the_moving_average_of_a_long_run_decays_at_its_own_rate():
    averaged = [torch.zeros(3)]
    moving_average(0.9)(averaged, [torch.ones(3)], torch.tensor(1000))
    assert averaged[0][0] == pytest.approx(0.1)


def test_no_average_is_the_weights_themselves():
    averaged = [torch.zeros(3)]
    moving_average(0.0)(averaged, [torch.ones(3)], torch.tensor(1))
    assert averaged[0].tolist() == [1, 1, 1]

"""The ablation's variants: each is a network and a recipe, and each learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import PRESETS, VARIANTS
from click99_training.datasets.crops import CropStream
from click99_training.datasets.manifest import ManifestDataset
from click99_training.loop.batch import Batch
from click99_training.loop.trainer import Trainer
from click99_training.loop.variants import CLAIMS, configured


@pytest.mark.slow("builds every network")
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", [*VARIANTS, *CLAIMS])
def test_every_variant_is_a_network_and_a_recipe(preset: str, name: str):
    network, recipe = configured(preset, name=name)
    assert recipe.bundled == (name == "baseline")
    with torch.device("meta"):
        TwoStreamNetwork(network)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("huge",), "preset 'huge' is unknown, there is: paper, compact"),
        (("compact", "soup"), "recipe 'soup' is unknown, there is: compact, compact-endless, paper"),
        (("compact", "", "+X"), r"variant '\+X' is unknown, there is: baseline, \+T"),
    ],
)
def test_unknown_names_are_told_with_the_known(arguments: tuple[str, ...], complaint: str):
    with pytest.raises(ValueError, match=complaint):
        configured(*arguments)


@pytest.mark.slow("trains")
@pytest.mark.parametrize(
    ("preset", "name", "side", "steps"),
    [
        (preset, name, side, steps)
        for preset, side, steps, names in (
            ("compact", 64, 20, (*VARIANTS, *CLAIMS)),
            ("paper", 32, 8, VARIANTS),  # a second a step, so those of Table 7 only
        )
        for name in names
    ],
)
def test_a_few_steps_of_every_variant_lower_the_loss_on_one_image(
    data_folder: Path, preset: str, name: str, side: int, steps: int
):
    network, recipe = configured(preset, name=name)
    rate = 1e-3 if preset == "compact" else 1e-4
    constant = {"schedule": "constant", "warmup": 0.0, "head_rate": rate, "encoder_rate": 1e-4}
    none = dict.fromkeys(("nearly_right", "lenient", "close", "mosaic", "shapes"), 0)
    recipe = replace(recipe, optimizer="adamw", object_scale=(0.8, 2.6), **none, **constant)
    torch.manual_seed(0)
    trainer = Trainer(TwoStreamNetwork(network), recipe)
    trainer.set_rate(0)
    crop = CropStream(ManifestDataset(data_folder, "train"), recipe, seed=0)[0, side]
    losses: list[list[float]] = []  # of each time the image comes
    while len(np.ravel(losses)) < steps:
        batch = Batch.start([crop], [(0,)], recipe, network.click_encoding)
        losses.append(trainer.train(batch).losses)
    assert np.mean(losses[-1]) < np.mean(losses[0])

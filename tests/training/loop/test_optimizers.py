"""Optimisers and schedules: what a recipe's numbers do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from click99_training.loop.optimizers import follow_schedule, optimizer, rate_factor
from click99_training.recipes import COMPACT, COMPACT_ENDLESS, PAPER, RECIPES


@pytest.mark.parametrize(
    ("epoch", "factor"), [(0, 1), (13.9, 1), (14, 0.1), (16.9, 0.1), (17, 0.01), (20, 1e-3), (24.9, 1e-3)]
)
def test_the_papers_rates_fall_to_a_tenth_at_epochs_14_17_and_20(epoch: float, factor: float):
    assert rate_factor(PAPER, epoch / PAPER.epochs) == pytest.approx(factor)


@pytest.mark.parametrize("recipe", ["paper-synth", "paper-synth-ft"])
def test_the_synthetic_regimes_keep_their_rate(recipe: str):
    assert rate_factor(RECIPES[recipe], 0) == rate_factor(RECIPES[recipe], 0.999) == 1


def test_without_drops_the_rate_warms_up_and_follows_a_cosine():
    factors = [rate_factor(COMPACT, done) for done in (0, 0.005, 0.01, 0.5, 1)]
    assert factors[0] < 1e-3
    assert factors[1] == pytest.approx(0.5, rel=1e-3)
    assert factors[2] == pytest.approx(1, rel=1e-3)
    assert factors[3] == pytest.approx((1 + COMPACT.final_rate) / 2)
    assert factors[4] == pytest.approx(COMPACT.final_rate)


def test_a_constant_rate_warms_up_over_images_and_stays():
    factors = [rate_factor(COMPACT_ENDLESS, images) for images in (0, 1000, 2000, 10**9)]
    assert factors == pytest.approx([0, 0.5, 1, 1], abs=1e-6)


def test_a_cooldown_is_a_line_to_the_final_rate():
    recipe = replace(COMPACT, schedule="linear", warmup=0.0)
    factors = [rate_factor(recipe, done) for done in (0, 0.5, 1)]
    assert factors == pytest.approx([1, (1 + recipe.final_rate) / 2, recipe.final_rate])


@pytest.mark.slow("the paper's network is large")
def test_the_papers_groups_decay_kernels_and_normalisations_apart():
    layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(4, 8))
    chosen = optimizer([(p, PAPER.head_rate) for p in layers.parameters()], PAPER)
    assert isinstance(chosen, torch.optim.RAdam)
    decays = {p.ndim > 1: group["weight_decay"] for group in chosen.param_groups for p in group["params"]}
    assert decays == {True: 0.005, False: 1e-5}
    follow_schedule(chosen, PAPER, 0.99)
    assert [group["lr"] for group in chosen.param_groups] == pytest.approx([1e-8] * 2)


def test_an_unknown_optimizer_is_told():
    with pytest.raises(ValueError, match="optimizer 'sgd' is unknown, there is: adamw, radam"):
        optimizer([], replace(PAPER, optimizer="sgd"))

"""Optimisers with the recipe's groups, and the schedule of their rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn

from click99_training.recipes import Recipe, Schedule


def optimizer(parameters: Sequence[tuple[nn.Parameter, float]], recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over (parameter, learning rate) pairs; kernels and the rest decay apart."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter, rate in parameters:
        decay = recipe.weight_decay if parameter.ndim > 1 else recipe.norm_decay
        groups.setdefault((rate, decay), []).append(parameter)
    described = [
        {"params": some, "lr": rate, "full_rate": rate, "weight_decay": decay}
        for (rate, decay), some in groups.items()
    ]
    if recipe.optimizer == "radam":  # Liu et al. 2020, whose code decays weights apart from gradients
        return torch.optim.RAdam(described, decoupled_weight_decay=True)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(described, fused=True)
    raise ValueError(f"optimizer {recipe.optimizer!r} is unknown, there is: adamw, radam")


def follow_schedule(chosen: torch.optim.Optimizer, recipe: Recipe, done: float) -> None:
    """Set the rates for a run of which `done` lies behind, in the unit of the recipe's schedule."""
    for group in chosen.param_groups:
        group["lr"] = group["full_rate"] * rate_factor(recipe, done)


def rate_factor(recipe: Recipe, done: float) -> float:
    """The recipe's warm-up times its schedule.

    Args:
        done: the share of the run that lies behind; images where the rate is constant: it has no end.
    """
    warm = min(1.0, (done + 1e-6) / recipe.warmup) if recipe.warmup else 1.0
    return warm * SCHEDULES[recipe.schedule](recipe, done)


def _cosine(recipe: Recipe, done: float) -> float:
    return recipe.final_rate + (1 - recipe.final_rate) * (1 + math.cos(math.pi * done)) / 2


def _linear(recipe: Recipe, done: float) -> float:
    return 1 - (1 - recipe.final_rate) * done


def _drops(recipe: Recipe, done: float) -> float:
    return 0.1 ** sum(done >= drop for drop in recipe.drops)


SCHEDULES: dict[Schedule, Callable[[Recipe, float], float]] = {
    "cosine": _cosine,
    "linear": _linear,
    "drops": _drops,
    "constant": lambda *_: 1.0,
}

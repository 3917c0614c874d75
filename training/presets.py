"""Training recipes as plain configuration, saved beside what they produce."""

from __future__ import annotations

from dataclasses import dataclass

from training.datasets.mix import Mix


@dataclass(frozen=True)
class Recipe:
    """How a network is trained click by click."""

    crops: tuple[tuple[int, int, float], ...]  # (side in pixels, batch, share of the images), in this order
    clicks: int = 4  # per image, a step after each (section 4.1)
    head_rate: float = 1e-3
    encoder_rate: float = 2e-4
    final_rate: float = 0.02  # of the rates, at the cosine's end
    warmup: float = 0.01  # share of the images
    weight_decay: float = 1e-4
    focal_weight: float = 0.5
    click_weight: float = 0.1
    average: float = 0.998  # of the weights' exponential moving average
    composite: float = 0.25  # share of the images composited from a cut-out and a background
    mix: Mix = Mix()  # what the composites are made of
    nearly_right: float = 0.15  # share of the images that start from a mask with small errors
    lenient: float = 0.3  # share of the images clicked where people click, not at the very centre
    object_scale: tuple[float, float] = (0.8, 2.6)  # side of the crop over side of the object


COMPACT = Recipe(crops=((160, 6, 0.55), (224, 4, 0.25), (320, 2, 0.20)))  # small crops first: more of them

RECIPES = {"compact": COMPACT}

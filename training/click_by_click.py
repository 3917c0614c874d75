"""Training as an annotator works (Forte et al. 2020, section 4.1).

For every batch of crops: the robot clicks in the largest wrong region, the network answers, loss, backward,
step; its answer (detached) is the previous mask of the next click. The image stream runs once per batch: its
gradient is gathered over the clicks and steps once.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from backend.segmentation.clicks import Click, click_maps
from backend.segmentation.network import ImageFeatures, TwoStreamNetwork
from backend.segmentation.robot import robot_click
from training.datasets.sample import Sample
from training.losses import click_location_loss, normalized_focal_loss, soft_iou_loss
from training.presets import Recipe
from training.starts import nearly_right

GRADIENT_LIMIT = 1.0  # of the norm, per step


@dataclass
class Batch:
    """Crops of one size and how far their annotation has come."""

    samples: list[Sample]
    image: Tensor  # [B, 3, S, S] in 0…1
    truth: Tensor  # [B, 1, S, S]
    valid: Tensor  # [B, 1, S, S]
    previous: Tensor  # [B, 1, S, S], alpha so far
    clicks: list[list[Click]]
    rngs: list[np.random.Generator]
    lenient: list[bool]

    @classmethod
    def start(cls, samples: list[Sample], seeds: list[tuple[int, ...]], recipe: Recipe) -> Batch:
        rngs = [np.random.default_rng(seed) for seed in seeds]
        begun = [_begin(sample, rng, recipe) for sample, rng in zip(samples, rngs, strict=True)]
        return cls(
            samples=samples,
            image=_stack([s.image.transpose(2, 0, 1) for s in samples]).float().div_(255),
            truth=_stack([s.truth[None] for s in samples]).float(),
            valid=_stack([~s.void[None] for s in samples]).float(),
            previous=_stack([alpha[None] for alpha, _ in begun]),
            clicks=[clicks for _, clicks in begun],
            rngs=rngs,
            lenient=[bool(rng.random() < recipe.lenient) for rng in rngs],
        )

    def click(self) -> None:
        """One more click on each image where anything is wrong still."""
        for k, sample in enumerate(self.samples):
            prediction = self.previous[k, 0].numpy() > 0.5
            lenient = self.rngs[k] if self.lenient[k] else None
            click = robot_click(sample.truth, prediction, sample.void, lenient)
            self.clicks[k] += [click] if click else []

    def maps(self) -> Tensor:
        """Click maps [B, 6, S, S]."""
        height, width = self.truth.shape[-2:]
        return _stack(
            [click_maps([(c.x, c.y, c.positive) for c in clicks], height, width) for clicks in self.clicks]
        )

    def iou(self) -> float:
        """Mean IoU of the masks so far."""
        prediction, truth = (self.previous > 0.5) & (self.valid > 0), (self.truth > 0.5) & (self.valid > 0)
        both, either = (prediction & truth).sum((1, 2, 3)), (prediction | truth).sum((1, 2, 3))
        return float((both / either.clamp_min(1)).mean())


def _begin(sample: Sample, rng: np.random.Generator, recipe: Recipe) -> tuple[np.ndarray, list[Click]]:
    if rng.random() < recipe.nearly_right:
        return nearly_right(sample.truth, rng)
    return np.zeros(sample.truth.shape, np.float32), []


def _stack(arrays: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(arrays)).contiguous(memory_format=torch.channels_last)


@dataclass
class Progress:
    """What one batch cost: loss per click, and mean IoU before the first and after every click."""

    losses: list[float] = field(default_factory=list)
    ious: list[float] = field(default_factory=list)


class Trainer:
    """The network, its moving average, and their optimisers."""

    def __init__(self, network: TwoStreamNetwork, recipe: Recipe):
        self.network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.recipe = recipe
        self.average = copy.deepcopy(network).requires_grad_(False)
        rate, decay = recipe.head_rate, recipe.weight_decay
        parts = (network.interaction, network.decoder, network.filter)
        self.per_click = torch.optim.AdamW(
            [g for part in parts for g in _groups(part, rate, decay)], fused=True
        )
        image_stream = [
            *_groups(network.encoder, recipe.encoder_rate, decay),
            *_groups(network.pyramid, rate, decay),
        ]
        self.per_image = torch.optim.AdamW(image_stream, fused=True)

    def set_rate(self, done: float) -> None:
        """Warm up, then follow a cosine; `done` is the share of the training that lies behind."""
        recipe = self.recipe
        cosine = recipe.final_rate + (1 - recipe.final_rate) * (1 + math.cos(math.pi * done)) / 2
        factor = min(1.0, (done + 1e-6) / recipe.warmup) * cosine
        for group in (*self.per_click.param_groups, *self.per_image.param_groups):
            group["lr"] = group["full_rate"] * factor

    def train(self, batch: Batch) -> Progress:
        """All clicks of one batch, a step after each, then the image stream's step."""
        progress = Progress(ious=[batch.iou()])
        features = self.network.encode(batch.image)
        leaves = _leaves(features)
        for _ in range(self.recipe.clicks):
            batch.click()
            progress.losses.append(self._click(batch, leaves))
            progress.ious.append(batch.iou())
        made = [*features.skips, features.context]
        torch.autograd.backward(made, [leaf.grad for leaf in (*leaves.skips, leaves.context)])
        self._step(self.per_image)
        self._update_average()
        return progress

    def _click(self, batch: Batch, leaves: ImageFeatures) -> float:
        alpha, logits = self.network(leaves, batch.maps(), batch.previous)
        loss = soft_iou_loss(alpha, batch.truth, batch.valid)
        loss = loss + self.recipe.focal_weight * normalized_focal_loss(logits, batch.truth, batch.valid)
        loss = loss + self.recipe.click_weight * click_location_loss(alpha, batch.clicks)
        loss.backward()
        self._step(self.per_click)
        batch.previous = alpha.detach()
        return float(loss.detach())

    def _step(self, optimizer: torch.optim.Optimizer) -> None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, GRADIENT_LIMIT)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def _update_average(self) -> None:
        for average, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
            average.lerp_(now, 1 - self.recipe.average)

    def state(self) -> dict:
        parts = ("network", "average", "per_click", "per_image")
        return {part: getattr(self, part).state_dict() for part in parts}

    def restore(self, state: dict) -> None:
        for part, values in state.items():
            getattr(self, part).load_state_dict(values)


def _groups(part: nn.Module, rate: float, decay: float) -> list[dict]:
    """Parameter groups that decay kernels only, not biases and normalisations."""
    kernels = [p for p in part.parameters() if p.ndim > 1]
    others = [p for p in part.parameters() if p.ndim <= 1]
    common = {"lr": rate, "full_rate": rate}
    return [
        {**common, "params": kernels, "weight_decay": decay},
        {**common, "params": others, "weight_decay": 0.0},
    ]


def _leaves(features: ImageFeatures) -> ImageFeatures:
    """The same features cut off from the image stream, gathering gradient."""

    def cut(tensors: Iterable[Tensor]) -> list[Tensor]:
        return [tensor.detach().requires_grad_() for tensor in tensors]

    return ImageFeatures(features.image, cut(features.skips), cut([features.context])[0])

"""Training as an annotator works (Forte et al. 2020, section 4.1).

For every batch of crops: the robot clicks in the largest wrong region, the network answers, loss, backward,
step; its answer (detached) is the previous mask of the next click. An image stream that sees the image alone
runs once per batch: its gradient is gathered over the clicks and steps once, unless it is frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from click99.segmentation.network import ImageFeatures, NetworkOutput, TwoStreamNetwork
from click99_training.loop.batch import Batch
from click99_training.loop.distributed import average_gradients
from click99_training.loop.lessons import Lessons
from click99_training.loop.losses import MASK_LOSSES, click_location_loss, normalized_focal_loss
from click99_training.loop.optimizers import follow_schedule, optimizer
from click99_training.loop.precision import keep_in_fp32, mixed_precision
from click99_training.loop.teacher import Teacher
from click99_training.recipes import Recipe

Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass
class BatchScores:
    """What one batch cost: loss per click, and mean IoU before the first and after every click."""

    losses: list[float] = field(default_factory=list)
    ious: list[float] = field(default_factory=list)


class Trainer:
    """The network, its moving average, and their optimisers; where samples are taught, their teacher."""

    def __init__(
        self,
        network: TwoStreamNetwork,
        recipe: Recipe,
        device: torch.device | None = None,
        teacher: TwoStreamNetwork | None = None,
    ):
        self.device = device or torch.device("cpu")
        self.network = network.to(self.device, memory_format=torch.channels_last)  # pyright: ignore
        self.recipe = recipe
        self.teacher = Teacher(teacher, self.device) if teacher else None
        self.average = AveragedModel(self.network, multi_avg_fn=moving_average(recipe.average))
        keep_in_fp32(self.network, self.device)
        self.lessons = Lessons()
        image_stream = [(network.encoder, recipe.encoder_rate), (network.pyramid, recipe.head_rate)]
        inside = {p for part, _ in image_stream for p in part.parameters()}
        new = {network.interaction.likeness.weight} if network.interaction.likeness else set()
        rates = {
            p: recipe.head_rate * (recipe.likeness_rate if p in new else 1) for p in network.parameters()
        }
        others = [(p, rate) for p, rate in rates.items() if p not in inside]
        streams = [(p, rate) for part, rate in image_stream for p in part.parameters()]
        self.learns_image = not (network.image_only and recipe.frozen)
        if not self.learns_image:
            for parameter in inside:
                parameter.requires_grad_(False)
            self.optimizers = {"per_click": optimizer(others, recipe)}
        elif network.image_only:
            self.optimizers = {
                "per_click": optimizer(others, recipe),
                "per_image": optimizer(streams, recipe),
            }
        else:
            self.optimizers = {"per_click": optimizer(others + streams, recipe)}

    def set_rate(self, done: float) -> None:
        """Follow the recipe's schedule; `done` is the share of the training that lies behind."""
        for each in self.optimizers.values():
            follow_schedule(each, self.recipe, done)

    def train(self, batch: Batch) -> BatchScores:
        """All clicks of one batch, a step after each; then, if apart, the image stream's step."""
        scores = BatchScores(ious=[batch.iou()])
        features = self._encode(batch) if self.network.image_only else None
        leaves = _leaves(features) if features and self.learns_image else features
        if features and self.recipe.likeness:
            batch.show_likeness(features.evidence, self.lessons, self.recipe.likeness)
        rounds = [batch.bundle] if self.recipe.bundled else [batch.click] * self.recipe.clicks
        for k, click in enumerate(rounds):
            batch.save()
            click()
            if features and k == 0 and self.recipe.maps:
                batch.show_maps(features.evidence, self.recipe.maps)
            scores.losses.append(self._click(batch, leaves))
            scores.ious.append(batch.iou())
        if features and leaves and self.learns_image:
            made = [*features.skips, features.context]
            torch.autograd.backward(made, [leaf.grad for leaf in (*leaves.skips, leaves.context)])
            self._step("per_image")
        self.average.update_parameters(self.network)
        return scores

    def _encode(self, batch: Batch) -> ImageFeatures:
        with mixed_precision(self.device):
            if self.network.image_only:
                return self.network.encode(batch.image)
            return self.network.encode(batch.image, batch.maps(), batch.previous)

    def _click(self, batch: Batch, features: ImageFeatures | None) -> float:
        features, maps = features or self._encode(batch), batch.maps()
        with mixed_precision(self.device):
            output = self.network(features, maps, batch.previous, batch.likeness)
            target = self.teacher.target(batch, maps) if self.teacher else batch.truth
        batch.previous = output.alpha.detach().float()
        loss = self._loss(output, target, batch)
        loss.backward()
        self._step("per_click")
        return float(loss.detach())

    def _loss(self, output: NetworkOutput, target: Tensor, batch: Batch) -> Tensor:
        """batch.previous: the output's alpha already."""
        recipe, alpha, logits = self.recipe, output.alpha.float(), output.logits.float()
        loss = MASK_LOSSES[recipe.mask_loss](alpha, target, batch.valid)
        if recipe.focal_weight:
            loss = loss + recipe.focal_weight * normalized_focal_loss(logits, target, batch.valid)
        if recipe.click_weight:
            loss = loss + recipe.click_weight * click_location_loss(alpha, batch.clicks)
        if self.network.quality and output.summary is not None and recipe.quality_weight:
            quality = self.network.quality(output.summary)
            loss = loss + recipe.quality_weight * quality_loss(quality, batch)
        return loss

    def _step(self, name: str) -> None:
        chosen = self.optimizers[name]
        parameters = [p for group in chosen.param_groups for p in group["params"]]
        average_gradients(parameters)
        if self.recipe.gradient_limit:
            nn.utils.clip_grad_norm_(parameters, self.recipe.gradient_limit)
        chosen.step()
        chosen.zero_grad(set_to_none=True)

    @property
    def averaged(self) -> TwoStreamNetwork:
        """The network of averaged weights: what a run is trained for."""
        return cast(TwoStreamNetwork, self.average.module)

    def state(self) -> dict:
        return {name: part.state_dict() for name, part in self._parts().items()}

    def restore(self, state: dict) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        """What is saved of a run."""
        taught = {"lessons": self.lessons} if self.recipe.likeness else {}
        return {"network": self.network, "average": self.average, **self.optimizers, **taught}


def moving_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """An exponential one that forgets the weights it began with in a run of any length: at first it decays
    faster, over a tenth of the steps behind it."""

    def update(averaged: Tensors, current: Tensors, steps: Tensor | int) -> None:
        kept = min(decay, (1 + int(steps)) / (10 + int(steps)))
        for mean, tensor in zip(averaged, current, strict=True):
            mean.lerp_(tensor, 1 - kept)

    return update


def quality_loss(quality: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy of the expected IoU, as logits [B], with the IoU; where the truth is a true one."""
    entropy = F.binary_cross_entropy_with_logits(quality, batch.quality(), reduction="none")
    true = torch.tensor([float(not sample.taught) for sample in batch.samples], device=quality.device)
    return (entropy * true).sum() / true.sum().clamp_min(1)


def _leaves(features: ImageFeatures) -> ImageFeatures:
    """The same features cut off from the image stream, gathering gradient."""

    def cut(tensors: Iterable[Tensor]) -> list[Tensor]:
        return [tensor.detach().requires_grad_() for tensor in tensors]

    return ImageFeatures(features.image, cut(features.skips), cut([features.context])[0])

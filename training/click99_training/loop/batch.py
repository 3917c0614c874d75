"""A batch of crops on its way from the first click to the last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from click99.segmentation.click_maps import click_maps
from click99.segmentation.clicks import Click
from click99.segmentation.presets import ClickEncoding
from click99.segmentation.robot import deepest, robot_click
from click99_training.datasets.sample import Sample
from click99_training.loop.bundled import bundled_clicks
from click99_training.loop.lessons import Lessons
from click99_training.loop.likeness import likeness
from click99_training.loop.maps import learnt_maps
from click99_training.loop.nearly_right import nearly_right
from click99_training.recipes import Recipe

MOSTLY_INSIDE = 0.2  # of the object's area in the crop that may be outside of it


@dataclass
class Batch:
    """Crops of one size and how far their annotation has come.

    Clicks that people made come first, in their order, then the robot's on what is still wrong.
    """

    samples: list[Sample]
    image: Tensor  # [B, 3, S, S] in 0…1
    truth: Tensor  # [B, 1, S, S]
    valid: Tensor  # [B, 1, S, S]
    previous: Tensor  # [B, 1, S, S], alpha so far
    cut_off: Tensor  # [B], area of the objects outside of the crops over that inside
    clicks: list[list[Click]]
    to_replay: list[list[Click]]
    rngs: list[np.random.Generator]
    lenient: list[bool]
    saved: list[bool]  # those that `save` is about
    click_encoding: ClickEncoding = "gaussians"
    likeness: Tensor | None = None  # what all clicks see of masks accepted before: [B, 1, S, S] in −1…1

    @classmethod
    def start(
        cls,
        samples: list[Sample],
        seeds: list[tuple[int, ...]],
        recipe: Recipe,
        click_encoding: ClickEncoding = "gaussians",
        device: torch.device | None = None,
    ) -> Batch:
        rngs = [np.random.default_rng(seed) for seed in seeds]
        begun = [_begin(sample, rng, recipe) for sample, rng in zip(samples, rngs, strict=True)]
        return cls(
            samples=samples,
            image=_stack([s.image for s in samples], device).div_(255),
            truth=_stack([s.truth[..., None] for s in samples], device),
            valid=_stack([~s.void[..., None] for s in samples], device),
            previous=_stack([alpha[..., None] for alpha, *_ in begun], device),
            cut_off=torch.tensor([sample.cut_off for sample in samples], device=device),
            clicks=[clicks for _, clicks, _ in begun],
            to_replay=[to_replay for *_, to_replay in begun],
            rngs=rngs,
            lenient=[bool(rng.random() < recipe.lenient) for rng in rngs],
            saved=[bool(recipe.saved and rng.random() < recipe.saved) for rng in rngs],
            click_encoding=click_encoding,
        )

    def click(self) -> None:
        """One more click on each image: a person's next one, or the robot's where anything is wrong still."""
        predictions = (self.previous[:, 0] > 0.5).cpu().numpy()
        for k, sample in enumerate(self.samples):
            if self.to_replay[k]:
                self.clicks[k].append(self.to_replay[k].pop(0))
                continue
            lenient = self.rngs[k] if self.lenient[k] else None
            click = robot_click(sample.truth, predictions[k], sample.void, lenient)
            self.clicks[k] += [click] if click else []

    def save(self) -> None:
        """Half of the time, make the masks so far what clicks on a saved region start from: no soft edge, and
        instead of the clicks before the one of the mask itself."""
        for k, saved in enumerate(self.saved):
            if saved and self.rngs[k].random() < 0.5:
                mask = self.previous[k] > 0.5
                self.previous[k], self.clicks[k] = mask.float(), _own_click(mask[0].cpu().numpy())

    def show_maps(self, evidence: Tensor, share: float) -> None:
        """Let that share of the crops whose clicks began from nothing see a map, by their evidence
        [B, C, h, w]."""
        clicked = torch.tensor([bool(clicks) for clicks in self.clicks], device=self.previous.device)
        fresh = ~((self.previous > 0.5).flatten(1).any(1) | clicked)
        drawn = torch.tensor([rng.random() < share for rng in self.rngs], device=fresh.device)
        seen = (fresh & drawn)[:, None, None, None]
        self.previous = torch.where(seen, learnt_maps(evidence, self.truth, self.rngs), self.previous)

    def show_likeness(self, evidence: Tensor, lessons: Lessons, share: float) -> None:
        """Let all clicks on that share of the crops see what the lessons say of them, by their evidence
        [B, C, h, w], from which others of their kind then learn."""
        features = evidence.detach().float().cpu().numpy()
        seen = likeness(self.samples, features, lessons, self.rngs, share)
        self.likeness = torch.from_numpy(seen).to(self.truth.device)
        lessons.teach(self.samples, features)

    def bundle(self) -> None:
        """All clicks at once, as networks were trained before the paper."""
        for k, sample in enumerate(self.samples):
            self.clicks[k] = bundled_clicks(sample, self.rngs[k])

    def maps(self) -> Tensor:
        """Click maps [B, 6, S, S]."""
        height, width = self.truth.shape[-2:]
        placed = [[(c.x, c.y, c.positive) for c in clicks] for clicks in self.clicks]
        return click_maps(placed, height, width, self.click_encoding, self.truth.device)

    def iou(self) -> float:
        """Mean IoU of the masks so far."""
        both, either, _ = self._overlap()
        return float((both / either.clamp_min(1)).mean())

    def quality(self) -> Tensor:
        """IoU of each mask so far with the whole object, what the crop left out of it included: [B]."""
        both, either, truth = self._overlap()
        return both / (either + truth * self.cut_off).clamp_min(1)

    def _overlap(self) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels of mask and truth together, of either, and of the truth: [B] each."""
        valid = self.valid > 0
        prediction, truth = (self.previous > 0.5) & valid, (self.truth > 0.5) & valid
        areas = (prediction & truth, prediction | truth, truth)
        both, either, inside = (area.sum((1, 2, 3)) for area in areas)
        return both, either, inside


def _begin(
    sample: Sample, rng: np.random.Generator, recipe: Recipe
) -> tuple[np.ndarray, list[Click], list[Click]]:
    """The mask to begin with, the clicks that led to it, and those of a person that come next.

    A click that the saved mask contradicts is left out: it was undone by hand.
    """
    share = recipe.close_nearly_right if sample.cut_off > MOSTLY_INSIDE else recipe.nearly_right
    if rng.random() < share:
        return *nearly_right(sample.truth, rng), []
    start = np.zeros(sample.truth.shape) if sample.start is None else sample.start
    meant = [click for click in sample.clicks if sample.truth[click.y, click.x] == click.positive]
    return start.astype(np.float32), _own_click(start > 0), meant


def _own_click(mask: np.ndarray) -> list[Click]:
    """What is shown with a mask, bool [H, W], that clicks start from (sessions/corrections.py)."""
    middle = deepest(mask)
    return [Click(*middle, True)] if middle else []


def _stack(arrays: list[np.ndarray], device: torch.device | None) -> Tensor:
    """Arrays [H, W, C] → float32 [B, C, H, W], channels last in memory."""
    return torch.from_numpy(np.stack(arrays)).to(device).float().permute(0, 3, 1, 2)

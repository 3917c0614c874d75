"""Two networks clicked through the same masks, as long as there is time.

The robot clicks where people do, not at the very centre; where a person's own first click on a mask is known,
that one comes first. Both networks meet the same robot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import Correction, largest_wrong_region, paper_robot
from click99_training.datasets.sample import Sample
from click99_training.evaluation.evaluate import annotate
from click99_training.evaluation.results import Annotation
from click99_training.learning.compare import Comparison, compare
from click99_training.learning.gain import CLICKS, Gain, by_image, gain

MOST_CLICKS = 10  # a mask; the first CLICKS of them decide
GOOD = 0.9  # IoU from which no more are made than decide

Tick = Callable[[int, float], None]  # masks judged so far, share of it behind: 0…1


@dataclass(frozen=True)
class Bout:
    """A mask to judge by, its image's name, and the network that has not seen it."""

    sample: Sample
    image: str
    candidate: Predictor


@dataclass
class Verdicts:
    """What both networks made of the masks. learnt: whether what the candidate learnt answered."""

    images: list[str] = field(default_factory=list)
    before: list[Annotation] = field(default_factory=list)
    after: list[Annotation] = field(default_factory=list)
    learnt: list[bool] = field(default_factory=list)

    @property
    def comparison(self) -> Comparison:
        before, after = self._ious
        return compare(before, after, self.images)

    @property
    def gain(self) -> Gain:
        return self.gain_by(0.95)

    def gain_by(self, level: float) -> Gain:
        """level: how sure its lower bound is."""
        before, after = (by_image(ious, self.images) for ious in self._ious)
        return gain(after - before, level)

    @property
    def corrective(self) -> tuple[float, float]:
        """Corrective accuracy over the clicks that decide, before and after: 0…1."""
        sides = ([each.corrected[:CLICKS] for each in side] for side in (self.before, self.after))
        before, after = (float(np.nanmean(np.stack(side))) for side in sides)
        return before, after

    @property
    def _ious(self) -> list[np.ndarray]:
        return [np.stack([each.ious for each in side]) for side in (self.before, self.after)]

    def add(self, served: Predictor, bout: Bout, seed: int) -> None:
        """Click both networks through a mask."""
        sample = bout.sample
        one, other = (
            network.for_image(sample.image, sample.name, sample.project)
            for network in (served, bout.candidate)
        )
        before = clicked(one, sample, seed)
        self.images.append(bout.image)
        self.before.append(before)
        self.after.append(before if alike(one, other) else clicked(other, sample, seed))
        self.learnt.append(other is bout.candidate)


def verdicts(served: Predictor, bouts: Iterator[Bout], until: float, fewest: int, tick: Tick) -> Verdicts:
    """Judge bout after bout until that time (monotonic), but not fewer than so many images."""
    found, begun = Verdicts(), time.monotonic()
    for seed, bout in enumerate(bouts):
        of_time = (time.monotonic() - begun) / max(until - begun, 1e-9)
        share = min(of_time, len(set(found.images)) / fewest)
        if share >= 1:
            break
        tick(len(found.images), share)
        found.add(served, bout, seed)
    return found


def clicked(network: Predictor, sample: Sample, seed: int) -> Annotation:
    return annotate(network, sample, People(first_click(sample)), np.random.default_rng(seed), MOST_CLICKS)


@dataclass(frozen=True)
class People:
    """A robot that begins with a person's click, and ends when the mask is good."""

    first: Click | None

    def __call__(
        self,
        truth: np.ndarray,
        prediction: np.ndarray,
        void: np.ndarray | None = None,
        clicks: Sequence[Click] = (),
        lenient: np.random.Generator | None = None,
    ) -> Correction | None:
        if not clicks and self.first:
            region = largest_wrong_region(truth, prediction, void)
            return None if region is None else Correction(self.first, region)
        valid = np.ones_like(truth) if void is None else ~void
        both, either = truth & prediction & valid, (truth | prediction) & valid
        if len(clicks) >= CLICKS and both.sum() >= GOOD * either.sum():
            return None
        return paper_robot(truth, prediction, void, clicks, lenient)


def first_click(sample: Sample) -> Click | None:
    """The person's on the object, unless it began with another's mask or the saved one contradicts it."""
    first = sample.clicks[0] if sample.clicks and sample.start is None else None
    return first if first and first.positive and sample.truth[first.y, first.x] else None


def alike(one: Predictor, other: Predictor) -> bool:
    """Whether they answer bit for bit the same."""
    mine, theirs = (network.network.state_dict() for network in (one, other))
    same = one.network.config == other.network.config
    return same and all(bool((mine[name] == theirs[name]).all()) for name in mine)


def by_turns(masks: Sequence[tuple[str, int]]) -> list[int]:
    """The masks' numbers, one of every image before a second of any: (image, number) of each.

    By the images' names, and so from all folds by turns.
    """
    images: dict[str, list[int]] = {}
    for image, number in masks:
        images.setdefault(image, []).append(number)
    turns = zip_longest(*(images[name] for name in sorted(images)))
    return [k for turn in turns for k in turn if k is not None]

"""Whether a fine-tuned network takes the place of the served one.

Both are clicked through the collected images that the snapshot holds out (its val and test), and through a
frozen base set, where people click: not at the very centre of what is wrong. Few masks are clicked through
several times, since one lucky click can save ten, and would decide. The candidate is promoted if it needs
fewer clicks on the first, by the whole 95 % interval of a paired bootstrap over images, and at most MARGIN
more on the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from rich.table import Table

from click99.segmentation.predictor import Predictor
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.sample import Sample
from click99_training.datasets.skipped_samples import SkippedSamples, readable
from click99_training.evaluation.evaluate import evaluate
from click99_training.learning.compare import Comparison, compare, table

MARGIN = 0.05  # of the base set's NoC@90
CLICKED = 30  # masks at least, counted as often as they are clicked through
FEWEST = 6  # held-out images: by chance all of fewer are better in more than 2.5 % of the cases

Tick = Callable[[int, int], None]  # judged so far, in all


class GateError(ValueError):
    """Nothing can be decided; the message says what is missing."""


@dataclass(frozen=True)
class Decision:
    """promoted: whether the candidate is to be served. reason: in a sentence. by_learnt: the shares of the
    collected and of the base set's masks that what was learnt answers; the others its generalist does."""

    promoted: bool
    reason: str
    collected: Comparison
    base: Comparison
    by_learnt: tuple[float, float] = (1.0, 1.0)

    def to_json(self) -> dict[str, Any]:
        figures = {"collected": self.collected.to_json(), "base": self.base.to_json()}
        shares = dict(zip(figures, self.by_learnt, strict=True))
        decided = {"promoted": self.promoted, "reason": self.reason, "margin": MARGIN}
        return {**decided, "by_learnt": shares, **figures}

    def table(self) -> Table:
        verdict = "promoted" if self.promoted else "not promoted"
        sets = {"collected, held out": self.collected, "base set": self.base}
        shown = table(f"Gate: {verdict}", sets)
        collected, base = self.by_learnt
        answers = (
            f"What was learnt answers {collected:.0%} of the held-out masks, {base:.0%} of the base set's"
        )
        shown.caption = f"{self.reason}\n{answers}; the others are answered as before"
        return shown


def refuse_few(held_out: SampleDataset) -> None:
    """GateError when the held-out images are too few to decide by, before anything is trained for nothing."""
    skipped = SkippedSamples()
    images = {image_of(sample) for sample in readable(held_out, skipped)}
    if len(images) < FEWEST:
        unreadable = f" {skipped}" if skipped.reasons else ""
        raise GateError(
            f"only {len(images)} of the collected images are held out to judge by, and {FEWEST} are needed. "
            f"About one image in five is: annotate some {5 * (FEWEST - len(images))} more.{unreadable}"
        )


def judge(
    served: Predictor,
    candidate: Predictor,
    held_out: SampleDataset,
    base: SampleDataset,
    tick: Tick = lambda judged, of: None,
) -> Decision:
    """Click both networks through both sets, and decide."""
    refuse_few(held_out)
    sets = [list(readable(data, SkippedSamples())) for data in (held_out, base)]
    sets[0] *= ceil(CLICKED / len(sets[0]))
    counted = _counting(tick, 2 * sum(map(len, sets)))

    def ious(network: Predictor, samples: list[Sample]) -> np.ndarray:
        return np.stack([each.ious for each in evaluate(network, counted(samples), lenient=True)])

    collected, on_base = [[ious(network, samples) for network in (served, candidate)] for samples in sets]
    images = [image_of(sample) for sample in sets[0]]
    decision = decide(compare(collected[0], collected[1], images), compare(on_base[0], on_base[1]))
    return replace(decision, by_learnt=tuple(_by_learnt(candidate, samples) for samples in sets))


def _by_learnt(candidate: Predictor, samples: list[Sample]) -> float:
    """The share of the samples that its network answers, not its generalist."""
    return float(np.mean([candidate.for_image(each.image, each.name) is candidate for each in samples]))


def decide(collected: Comparison, base: Comparison) -> Decision:
    low, high = collected.relative_interval
    found = f"{collected.relative:+.0%} clicks to 90 % on {collected.images} held-out images"
    between = f"95 % interval {low:+.0%} to {high:+.0%}"
    on_base = f"{base.relative:+.1%} on the base set"
    if collected.change_interval[1] >= 0:
        return Decision(False, f"not surely better: {found}, {between}", collected, base)
    if base.relative > MARGIN:
        return Decision(False, f"it forgets: {found}, but {on_base} ({MARGIN:.0%} allowed)", collected, base)
    return Decision(True, f"better: {found}, {between}; {on_base}", collected, base)


def image_of(sample: Sample) -> str:
    """The image of a collected mask: NAME of NAME_0."""
    return sample.name.rpartition("_")[0]


def _counting(tick: Tick, total: int) -> Callable[[list[Sample]], Iterator[Sample]]:
    judged = 0

    def counted(samples: list[Sample]) -> Iterator[Sample]:
        nonlocal judged
        for sample in samples:
            tick(judged, total)
            yield sample
            judged += 1

    return counted

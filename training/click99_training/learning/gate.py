"""Whether a fine-tuned network takes the place of the served one.

It does if it gains surely on the corrected images, each clicked through with a network that has not seen it
(folds.py), by a bounded figure (gain.py), and if the network that would be served loses hardly anything on a
frozen base set. Clicks to 90 % IoU and corrective accuracy are told, too; they decide nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from rich.table import Table

from click99.segmentation.predictor import Predictor
from click99_training.datasets.dataset import SampleDataset
from click99_training.learning.compare import Comparison, table
from click99_training.learning.folds import Fold, base_bouts, bouts
from click99_training.learning.gain import FEWEST, Gain
from click99_training.learning.judging import Verdicts, verdicts

MARGIN = 0.01  # of IoU over the first clicks that the base set may lose
COLLECTED = 0.6  # of the time to judge in is for the collected images
FEWEST_BASE = 12  # masks

Tick = Callable[[str, float], None]  # what is being done, share of it behind: 0…1


@dataclass(frozen=True)
class Decision:
    """promoted: whether the candidate is to be served. reason: in a sentence. corrective: accuracy before and
    after. by_learnt: the shares of the collected and of the base set's masks that what was learnt answers;
    the others its generalist does. judged: the collected masks, clicked through."""

    promoted: bool
    reason: str
    gain: Gain
    base_gain: Gain
    collected: Comparison
    base: Comparison
    corrective: tuple[float, float]
    by_learnt: tuple[float, float]
    judged: Verdicts

    @property
    def challenges(self) -> bool:
        """Whether more images may yet show that it is better."""
        return not self.promoted and self.gain.promises and self.base_gain.mean >= -MARGIN

    def to_json(self) -> dict[str, Any]:
        figures = asdict(replace(self, judged=Verdicts()))
        del figures["judged"]
        return figures | {
            "challenges": self.challenges,
            "margin": MARGIN,
            "by_learnt": dict(zip(("collected", "base"), self.by_learnt, strict=True)),
        }

    def table(self) -> Table:
        verdict = "promoted" if self.promoted else "not promoted"
        shown = table(f"Gate: {verdict}", {"corrected, unseen": self.collected, "base set": self.base})
        collected, base = self.by_learnt
        before, after = self.corrective
        lines = [
            self.reason,
            f"Of what was wrong {before:.0%} was right after the click on it, now {after:.0%}",
            f"What was learnt answers {collected:.0%} of the corrected masks, {base:.0%} of the base set's; "
            "the others are answered as before",
        ]
        shown.caption = "\n".join(lines)
        return shown


def judge(
    served: Predictor,
    candidates: list[Predictor],
    mean: Predictor,
    parts: list[Fold],
    base: SampleDataset,
    seconds: float,
    tick: Tick = lambda message, share: None,
) -> Decision:
    """Click them through both sets, and decide.

    candidates: what was learnt from each fold. mean: what would be served. seconds: for all of it; so many
    masks are judged as there is time for, at least of FEWEST images and FEWEST_BASE of the base set.
    """
    begun = time.monotonic()

    def on_collected(judged: int, share: float) -> None:
        tick(f"{judged} corrected masks judged", COLLECTED * share)

    def on_base(judged: int, share: float) -> None:
        tick(f"{judged} masks of the base set judged", COLLECTED + (1 - COLLECTED) * share)

    half, end = begun + COLLECTED * seconds, begun + seconds
    collected = verdicts(served, bouts(parts, candidates), half, FEWEST, on_collected)
    on_mean = verdicts(served, base_bouts(base, mean), end, FEWEST_BASE, on_base)
    return decide(collected, on_mean, len({image for fold in parts for image in fold.judges.images}))


def decide(collected: Verdicts, base: Verdicts, images: int) -> Decision:
    """images: how many might have judged, had there been time."""
    gain, base_gain = collected.gain, base.gain
    promoted, reason = _ruled(gain, base_gain, collected.comparison, images)
    return Decision(
        promoted,
        reason,
        gain,
        base_gain,
        collected.comparison,
        base.comparison,
        collected.corrective,
        (float(np.mean(collected.learnt)), float(np.mean(base.learnt))),
        collected,
    )


def _ruled(gain: Gain, base: Gain, compared: Comparison, images: int) -> tuple[bool, str]:
    judged = f"{gain.images} images"
    if gain.images < images:
        judged = f"{gain.images} of {images} images, for want of minutes"
    found = f"{gain} on {judged}; {compared.relative:+.0%} clicks to 90 %"
    if not gain.promises:
        return False, f"not better: {found}"
    if base.mean < -MARGIN:
        return False, f"it forgets: {base.mean:+.3f} IoU on the base set ({MARGIN} allowed), but {found}"
    if not gain.convinces:
        return False, f"not surely better: {found}. About {gain.needed} images would do"
    return True, f"better: {found}; {base.mean:+.3f} IoU on the base set"

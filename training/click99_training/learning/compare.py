"""Two networks on the same images: what the second saves, with intervals of the paired difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.markup import escape
from rich.table import Table

from click99.segmentation.metrics import auc, noc

DRAWS = 4000
CLICKS = (1, 3, 5)  # after which the mean IoU is told

Interval = tuple[float, float]


@dataclass(frozen=True)
class Figures:
    """Means over masks: NoC@90 (clicks to 90 % IoU), AuC, and IoU after some numbers of clicks."""

    noc90: float
    auc: float
    iou: dict[int, float]

    @classmethod
    def of(cls, ious: np.ndarray) -> Figures:
        """ious: [N, K] after clicks 1…K."""
        after = {k: round(float(ious[:, k - 1].mean()), 4) for k in CLICKS if k <= ious.shape[1]}
        return cls(round(float(noc(ious, 0.9).mean()), 3), round(float(auc(ious).mean()), 4), after)


@dataclass(frozen=True)
class Comparison:
    """masks: as often as they were clicked through. change: of the mean NoC@90 in clicks; relative: the same
    as a share of it before; iou_changes: of the mean IoU after some numbers of clicks. Each with the 95 %
    interval of a paired bootstrap over images."""

    images: int
    masks: int
    before: Figures
    after: Figures
    change: float
    change_interval: Interval
    relative: float
    relative_interval: Interval
    iou_changes: dict[int, tuple[float, Interval]]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def compare(before: np.ndarray, after: np.ndarray, images: Sequence[str] | None = None) -> Comparison:
    """
    Args:
        before, after: IoUs [N, K] of the same N masks after clicks 1…K.
        images: each mask's image, N names: an image's masks are drawn together; None: one mask an image.
    """
    picks = _drawn(images or [str(k) for k in range(len(before))])
    clicks = [noc(ious, 0.9).astype(float) for ious in (before, after)]
    means = [_means(values, picks) for values in clicks]
    change = float(clicks[1].mean() - clicks[0].mean())
    ious = {k: (after - before)[:, k - 1] for k in CLICKS if k <= before.shape[1]}
    return Comparison(
        images=len(set(images)) if images else len(before),
        masks=len(before),
        before=Figures.of(before),
        after=Figures.of(after),
        change=round(change, 3),
        change_interval=_interval(means[1] - means[0]),
        relative=round(change / float(clicks[0].mean()), 4),
        relative_interval=_interval(means[1] / means[0] - 1),
        iou_changes={k: (round(float(v.mean()), 4), _interval(_means(v, picks))) for k, v in ious.items()},
    )


def _drawn(images: Sequence[str]) -> np.ndarray:
    """How often each mask is in each bootstrap sample of the images: [DRAWS, N]. Draws are seeded."""
    names, place = np.unique(list(images), return_inverse=True)
    rng = np.random.default_rng(0)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    return counts[:, place]


def _means(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The mean over each bootstrap sample: [N] → [DRAWS]."""
    return drawn @ values / drawn.sum(1)


def _interval(means: np.ndarray, level: float = 0.95) -> Interval:
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return round(float(low), 4), round(float(high), 4)


def table(title: str, compared: dict[str, Comparison]) -> Table:
    """Before, after and the change with its interval, for each set of images; 80 columns wide at most."""
    shown = Table("", "", "NoC@90", *(f"IoU @{k}" for k in CLICKS), title=title)
    for name, each in compared.items():
        changes = [(each.relative, each.relative_interval, ".1%")]
        changes += [(mean, interval, ".3f") for mean, interval in each.iou_changes.values()]
        shown.add_row(escape(name), "before", f"{each.before.noc90:.2f}", *_ious(each.before))
        shown.add_row(f"{each.images} images", "after", f"{each.after.noc90:.2f}", *_ious(each.after))
        shown.add_row("", "change", *(f"{mean:+{form}}" for mean, _, form in changes))
        intervals = [f"{low:+{form}} {high:+{form}}" for _, (low, high), form in changes]
        shown.add_row("", "95 %", *intervals, end_section=True)
    return shown


def _ious(figures: Figures) -> list[str]:
    return [f"{value:.3f}" for value in figures.iou.values()]

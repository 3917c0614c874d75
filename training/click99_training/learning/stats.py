"""`click99 stats`: what masks cost people, from the record; as a table, and as plots over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import cv2
import numpy as np
from rich.markup import escape
from rich.table import Table
from sqlalchemy.orm import Session

from click99.annotations import masks
from click99.annotations.saved_masks import MaskFilter, SavedMask, saved_masks
from click99.annotations.tables import ClickRow, MaskRow
from click99.segmentation.metrics import corrective_accuracy, iou


@dataclass(frozen=True)
class Cost:
    """What one saved mask took. Of masks without clicks, such as those drawn by hand, nothing is known.

    clicks: that count. seconds: from the first click's request to the last one's mask. first_iou: of the
    first mask with the saved one. corrective: mean over the clicks after the first of the share of the wrong
    region under the click that became right; None without such clicks. retouched: by brush.
    """

    project: str
    label: str
    annotator: str
    version: str
    saved_at: datetime | None
    clicks: int
    seconds: float
    first_iou: float | None
    corrective: float | None
    retouched: bool


def costs(session: Session, which: MaskFilter) -> list[Cost]:
    """Of every saved mask that took clicks."""
    return [cost(session, found) for found in saved_masks(session, which) if found.clicks]


def cost(session: Session, found: SavedMask) -> Cost:
    truth, clicks = _pixels(session, found.region.mask), found.clicks
    shown = [_pixels(session, click.mask) for click in clicks]
    assert truth is not None
    last = (clicks[-1].milliseconds or 0.0) / 1000
    return Cost(
        project=found.annotation.project,
        label=found.region.label,
        annotator=found.annotation.annotator or "unknown",
        version=clicks[-1].model_version,
        saved_at=found.annotation.updated_at,
        clicks=len(clicks),
        seconds=(clicks[-1].asked_at - clicks[0].asked_at).total_seconds() + last,
        first_iou=None if shown[0] is None else iou(shown[0], truth),
        corrective=_corrective(clicks, shown, truth),
        retouched=found.region.origin == "prediction-changed",
    )


def _corrective(
    clicks: Sequence[ClickRow], shown: Sequence[np.ndarray | None], truth: np.ndarray
) -> float | None:
    shares = []
    for click, before, after in zip(clicks[1:], shown[:-1], shown[1:], strict=True):
        if before is None or after is None or before[click.y, click.x] == truth[click.y, click.x]:
            continue  # not known, or nothing was wrong where the person clicked
        shares.append(corrective_accuracy(wrong_region(before, truth, click), after, truth))
    return float(np.mean(shares)) if shares else None


def wrong_region(mask: np.ndarray, truth: np.ndarray, click: ClickRow) -> np.ndarray:
    """The connected region of one kind of error under a click: bool [H, W]."""
    wrong = (mask != truth) & (truth == truth[click.y, click.x])
    _, parts = cv2.connectedComponents(wrong.astype(np.uint8), connectivity=8)
    return parts == parts[click.y, click.x]


def _pixels(session: Session, key: str | None) -> np.ndarray | None:
    return masks.pixels(session.get_one(MaskRow, key)) if key else None


BY: dict[str, Callable[[Cost], str]] = {
    "project": lambda cost: cost.project,
    "label": lambda cost: cost.label,
    "annotator": lambda cost: cost.annotator,
    "version": lambda cost: cost.version,
}


def table(found: Sequence[Cost], by: str) -> Table:
    """A row for each project, label, annotator or model version, and one for all."""
    groups = {name: list(group) for name, group in _grouped(found, BY[by]).items()}
    shown = Table(by, "masks", "clicks", "seconds", "IoU of the first mask", "corrected", "retouched")
    for name, group in [*groups.items(), ("all", list(found))]:
        shown.add_row(escape(name), str(len(group)), *_figures(group), end_section=name == list(groups)[-1])
    return shown


def _figures(group: Sequence[Cost]) -> list[str]:
    """Clicks and seconds to accept, as means and medians; means of the others."""
    return [
        f"{_mean(cost.clicks for cost in group):.2f}",
        f"{np.median([cost.seconds for cost in group]):.1f}",
        _percent(cost.first_iou for cost in group),
        _percent(cost.corrective for cost in group),
        _percent(cost.retouched for cost in group),
    ]


def plot(found: Sequence[Cost], by: str, file: Path) -> None:
    """Clicks, seconds and the first mask's IoU by the day of saving, a line for each of `by`."""
    from matplotlib import pyplot as plt

    figures: dict[str, Callable[[Cost], float | None]] = {
        "clicks to accept": lambda cost: cost.clicks,
        "seconds to accept": lambda cost: cost.seconds,
        "IoU of the first mask with the saved one": lambda cost: cost.first_iou,
    }
    sheet, axes = plt.subplots(len(figures), 1, figsize=(8, 9), sharex=True, layout="constrained")
    for axis, (title, figure) in zip(axes, figures.items(), strict=True):
        for name, group in _grouped(found, BY[by]).items():
            days = _grouped((cost for cost in group if cost.saved_at), _day)
            means = [_mean(figure(cost) for cost in days[day]) for day in sorted(days)]
            axis.plot([date.fromisoformat(day) for day in sorted(days)], means, marker="o", label=name)
        axis.set_title(title, loc="left")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(y=0.1)
        axis.set_ylim(bottom=0)
    axes[0].legend(title=by, frameon=False)
    sheet.autofmt_xdate()
    sheet.savefig(file, dpi=120)
    plt.close(sheet)


def _grouped(found: Iterable[Cost], key: Callable[[Cost], str]) -> dict[str, list[Cost]]:
    groups: dict[str, list[Cost]] = defaultdict(list)
    for cost in found:
        groups[key(cost)].append(cost)
    return dict(sorted(groups.items()))


def _day(cost: Cost) -> str:
    assert cost.saved_at
    return cost.saved_at.date().isoformat()


def _mean(values: Iterable[float | None]) -> float:
    """Of those that are known; nan without any."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def _percent(values: Iterable[float | None]) -> str:
    mean = _mean(values)
    return "–" if np.isnan(mean) else f"{100 * mean:.1f} %"

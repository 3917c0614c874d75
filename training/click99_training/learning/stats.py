"""`click99 stats`: what masks cost people, from the record; as a table, and as plots over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from textwrap import shorten

import cv2
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from click99.annotations import masks
from click99.annotations.saved_masks import MaskFilter, SavedMask, saved_masks
from click99.annotations.tables import ClickRow, LessonRow, MaskRow
from click99.dashboard.costs import BY, Cost, cost, grouped, mean, median
from click99.dashboard.names import Names
from click99.segmentation.metrics import corrective_accuracy, iou

LEAST_DAYS = 7  # that a plot shows
LONGEST = 400  # characters of all projects and labels

# Heading of a column -> the characters that its longest word or figure takes.
FIGURES = {
    "masks": 5,
    "mean clicks": 6,
    "median seconds": 7,
    "first mask's IoU": 7,
    "without memory": 7,
    "set right by a click": 7,
    "brushed": 7,
}

Middle = Callable[[Iterable[float | None]], float]


@dataclass(frozen=True)
class JudgedCost(Cost):
    """And how good what was shown on the way was. Of masks without clicks nothing is known.

    first_iou: of the first mask with the saved one. without_memory: the same of what it would have been, had
    nothing been remembered; None where that is not known. corrective: mean over the clicks after the first of
    the share of the wrong region under the click that became right; None without such clicks.
    """

    first_iou: float | None
    without_memory: float | None
    corrective: float | None


def costs(session: Session, which: MaskFilter) -> list[JudgedCost]:
    """Of every saved mask that took clicks."""
    return [_judged(session, found) for found in saved_masks(session, which) if found.clicks]


def any_clicked(session: Session, which: MaskFilter) -> bool:
    """Whether there are costs; no pixel is looked at."""
    return any(found.clicks for found in saved_masks(session, which))


def clicked_labels(session: Session) -> dict[str, list[str]]:
    """Those of which there are costs, by project."""
    there = (cost(found) for found in saved_masks(session, MaskFilter()) if found.clicks)
    return {key: [*grouped(group, BY["label"])] for key, group in grouped(there, BY["project"]).items()}


def nothing_told(which: MaskFilter, there: Mapping[str, Sequence[str]], names: Names) -> str:
    """That `which` has no costs, of which projects and labels there are some, and what to do."""
    asked = [
        f"{name} {value}" for name, value in (("project", which.project), ("label", which.label)) if value
    ]
    of = f" of {', '.join(asked)}" if asked else ""
    none = f"The record has no saved mask with clicks{of}."
    if not there:
        return f"{none} Click, save, or run click99 sync."
    labels = {key: ", ".join(label or "no label" for label in each) for key, each in there.items()}
    told = shorten("; ".join(f"{names.project(key)}: {each}" for key, each in labels.items()), LONGEST)
    return f"{none} It has some of {told}. Ask for those, or click, save, or run click99 sync."


def _judged(session: Session, found: SavedMask) -> JudgedCost:
    truth, clicks = _pixels(session, found.region.mask), found.clicks
    shown = [_pixels(session, click.mask) for click in clicks]
    assert truth is not None
    return JudgedCost(
        **vars(cost(found)),
        first_iou=None if shown[0] is None else iou(shown[0], truth),
        without_memory=_without_memory(session, found),
        corrective=_corrective(clicks, shown, truth),
    )


def _without_memory(session: Session, found: SavedMask) -> float | None:
    region = found.region
    named = {"project": region.project, "annotation": region.annotation, "region": region.id}
    lessons = session.scalars(select(LessonRow.plain).filter_by(**named).limit(1))
    return lessons.first()


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


def table(found: Sequence[JudgedCost], by: str, names: Names) -> Table:
    """A row for each project, label, annotator or model version, and one for all; 80 characters hold it."""
    groups = {name: list(group) for name, group in grouped(found, BY[by]).items()}
    shown = Table(Column(by, overflow="fold"), box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading, width in FIGURES.items():
        shown.add_column(heading, justify="right", width=width)
    for key, group in groups.items():
        shown.add_row(escape(names.told(by, key)), str(len(group)), *_figures(group))
    shown.add_section()
    shown.add_row("all", str(len(found)), *_figures(found))
    return shown


def _figures(group: Sequence[JudgedCost]) -> list[str]:
    """Clicks and seconds to accept, as means and medians; means of the others."""
    return [
        f"{mean(cost.clicks for cost in group):.2f}",
        f"{median(cost.seconds for cost in group):.1f}",
        _percent(cost.first_iou for cost in group),
        _percent(cost.without_memory for cost in group),
        _percent(cost.corrective for cost in group),
        _percent(cost.retouched for cost in group),
    ]


def plot(found: Sequence[JudgedCost], by: str, file: Path, names: Names) -> None:
    """Clicks, seconds and the first mask's IoU by the day of saving, as in the table; a line for each of
    `by`."""
    from matplotlib import pyplot as plt

    figures: dict[str, tuple[Callable[[JudgedCost], float | None], Middle]] = {
        "clicks to accept, mean": (lambda cost: cost.clicks, mean),
        "seconds to accept, median": (lambda cost: cost.seconds, median),
        "IoU of the first mask with the saved one, mean": (lambda cost: cost.first_iou, mean),
    }
    sheet, axes = plt.subplots(len(figures), 1, figsize=(8, 9), sharex=True, layout="constrained")
    for axis, (title, (figure, middle)) in zip(axes, figures.items(), strict=True):
        for key, group in grouped(found, BY[by]).items():
            days = grouped((cost for cost in group if cost.saved_at), _day)
            values = [middle(figure(cost) for cost in days[day]) for day in sorted(days)]
            dates, name = [date.fromisoformat(day) for day in sorted(days)], names.told(by, key)
            axis.plot(dates, values, marker="o", label=name)
        axis.set_title(title, loc="left")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(y=0.1)
        axis.set_ylim(bottom=0)
    days = [cost.saved_at.date() for cost in found if cost.saved_at]
    if days and (max(days) - min(days)).days < LEAST_DAYS:  # else one day gets an axis of four years
        axes[0].set_xlim(max(days) - timedelta(LEAST_DAYS - 1.5), max(days) + timedelta(1))
    axes[0].legend(title=by, frameon=False)
    sheet.autofmt_xdate()
    sheet.savefig(file, dpi=120)
    plt.close(sheet)


def _day(cost: Cost) -> str:
    assert cost.saved_at
    return cost.saved_at.date().isoformat()


def _percent(values: Iterable[float | None]) -> str:
    share = mean(values)
    return "–" if np.isnan(share) else f"{100 * share:.1f} %"

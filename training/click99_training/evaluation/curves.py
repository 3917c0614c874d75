"""Curves over clicks and over training, with the numbers that they show."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from click99.segmentation.metrics import bootstrap_interval, share_above
from click99_training.evaluation.results import SHARE_CLICKS, SHARE_THRESHOLDS, Result, mean_where_clicked

INK = "#1d2733"  # text and axes; becomes the page's text colour, light or dark
COLOURS = ("#1f86c9", "#d55e00", "#0a9e74", "#cc79a7", "#e69f00", "#56b4e9")  # near Okabe and Ito's
TICKS = (1, 5, 10, 15, 20)  # clicks
MARKERS = ("o", "s", "^", "D", "v", "P")
STYLE: dict[Any, Any] = {
    "font.size": 11,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.18,
    "grid.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.markersize": 4,
    "svg.fonttype": "none",  # text stays text, in the page's font
    "svg.hashsalt": "click99",  # the same figure is the same file
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}

Curves = dict[str, np.ndarray]  # label → [K] or [K, 3] = mean, low, high


@dataclass(frozen=True)
class Plot:
    """A drawn figure and the table behind it."""

    figure: Figure
    columns: list[str]
    rows: list[list[object]]

    def save(self, folder: Path, name: str) -> None:
        self.figure.savefig(folder / f"{name}.png", dpi=150, facecolor="white")
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([self.columns, *self.rows])

    def svg(self) -> str:
        """To stand inside a page: transparent, in the page's text colour."""
        file = io.StringIO()
        with matplotlib.rc_context(STYLE):
            self.figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        drawing = file.getvalue()
        drawing = drawing[drawing.index("<svg") :].replace(INK, "currentColor")
        drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
        return re.sub(r'<g id="[^"]*"', "<g", drawing)  # ids that several figures would share


def iou_per_click(results: dict[str, Result]) -> Plot:
    """Mean IoU after each click with the 95 % interval over images (Figures 3 to 5, 7 to 9, 20 to 22)."""
    curves = {}
    for name, result in results.items():
        bounds = [bootstrap_interval(column) for column in result.ious.T]
        curves[name] = np.column_stack([result.ious.mean(0), bounds])
    return _per_click(curves, "mean IoU")


def corrective_accuracy_per_click(results: dict[str, Result]) -> Plot:
    """Mean share of the clicked wrong region that the click put right (Figure 6)."""
    curves = {name: mean_where_clicked(result.corrected) for name, result in results.items()}
    plot = _per_click(curves, "corrective accuracy")
    plot.figure.axes[0].set_ylim(0, 1)
    return plot


def shares_above(results: dict[str, Result]) -> Plot:
    """Share of images above each IoU at 1, 5, 10 and 20 clicks (Figures 10 to 12)."""
    rows: list[list[object]] = []
    with _drawing(1, len(SHARE_CLICKS), (11, 3.4)) as (figure, axes):
        for axis, clicks in zip(axes, SHARE_CLICKS, strict=True):
            for (name, result), colour, marker in _styled(results):
                shares = [share_above(result.ious, t)[clicks - 1] for t in SHARE_THRESHOLDS]
                axis.plot(SHARE_THRESHOLDS, shares, color=colour, marker=marker, label=name)
                rows += [[name, clicks, t, f"{s:.4f}"] for t, s in zip(SHARE_THRESHOLDS, shares, strict=True)]
            axis.set(title=f"{clicks} click{'s' * (clicks > 1)}", ylim=(-0.03, 1.03), xlabel="IoU above")
            axis.set_xticks(SHARE_THRESHOLDS[::3])
            axis.xaxis.set_major_formatter(PercentFormatter(1, 0))
            axis.yaxis.set_major_formatter(PercentFormatter(1, 0))
        axes[0].set_ylabel("images")
        _legend(figure, axes[0])
    return Plot(figure, ["label", "clicks", "IoU above", "share"], rows)


def plot_training(log: Path, picture: Path) -> None:
    """The curves so far, once there are any."""
    if log.exists():
        training_curves(log).figure.savefig(picture, dpi=110)


def training_curves(log: Path) -> Plot:
    """Loss, and IoU before and after each click, over the images seen, from a run's log.csv."""
    with log.open(newline="") as file:
        columns, *rows = csv.reader(file)
    table = {name: [float(row[k]) for row in rows] for k, name in enumerate(columns)}
    clicks = [name for name in columns if name.startswith("iou_")]
    with _drawing(1, 2, (11, 3.8)) as (figure, (left, right)):
        left.plot(table["images"], table["loss"], color=COLOURS[0])
        left.set(xlabel="images", ylabel="loss per click")
        for name, colour in zip(clicks, plt.cm.viridis(np.linspace(0, 0.9, len(clicks))), strict=True):  # pyright: ignore
            told = "before the first click" if name == "iou_0" else f"after click {name[4:]}"
            right.plot(table["images"], table[name], color=colour, label=told)
        right.set(xlabel="images", ylabel="IoU on training crops", ylim=(0, 1))
        right.legend()
    return Plot(figure, columns, [list(row) for row in rows])


def _per_click(curves: Curves, quantity: str) -> Plot:
    rows: list[list[object]] = []
    shade = 0.15 if len(curves) == 1 else 0.07  # of the intervals, which overlap
    with _drawing(1, 1, (9.5, 4.4)) as (figure, (axis,)):
        for (name, curve), colour, marker in _styled(curves):
            clicks, columns = np.arange(1, len(curve) + 1), curve.reshape(len(curve), -1)
            axis.plot(clicks, columns[:, 0], color=colour, marker=marker, label=name)
            if columns.shape[1] == 3:
                axis.fill_between(
                    clicks, columns[:, 1], columns[:, 2], color=colour, alpha=shade, linewidth=0
                )
            rows += [[name, k, *(f"{v:.5f}" for v in row)] for k, row in zip(clicks, columns, strict=True)]
        axis.set(xlabel="clicks", ylabel=quantity)
        axis.set_xticks([k for k in TICKS if k <= max(map(len, curves.values()))])
        axis.set_ylim(top=min(1.005, axis.get_ylim()[1]))
        _legend(figure, axis)
    return Plot(figure, ["label", "click", "mean", "low", "high"][: len(rows[0])], rows)


def _styled(curves: dict) -> Iterator[tuple]:
    """Each curve with a colour and a marker of its own."""
    for k, item in enumerate(curves.items()):
        yield item, COLOURS[k % len(COLOURS)], MARKERS[k // len(COLOURS) % len(MARKERS)]


def _legend(figure: Figure, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, max(1, len(labels))))


@contextmanager
def _drawing(rows: int, columns: int, size: tuple[float, float]) -> Iterator[tuple[Figure, Sequence[Axes]]]:
    with matplotlib.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
        yield figure, list(axes.flat)
    plt.close(figure)

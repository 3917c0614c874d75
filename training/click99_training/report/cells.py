"""A table of the report, and its cells: means over the images with their intervals."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from click99.segmentation.metrics import auc, bootstrap_interval, noc
from click99_training.evaluation.results import Result
from click99_training.report.inputs import PAPER_DATASETS, title

PUBLISHED, MEASURED = "published", "measured"
DESIGN = ALL_MEASURED = ""  # where it is the same for every row


@dataclass(frozen=True)
class Row:
    cells: list[str]
    how: str  # published, measured, or neither


@dataclass(frozen=True)
class ReportTable:
    columns: list[str]
    rows: list[Row]

    @property
    def marked(self) -> bool:
        """Whether rows say where they come from."""
        return any(row.how for row in self.rows)

    def save(self, folder: Path, name: str) -> None:
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(
                [[*self.columns, "how"], *([*row.cells, row.how] for row in self.rows)]
            )


Measure = tuple[Callable[[np.ndarray], np.ndarray], str]  # IoUs [N, K] → one figure an image [N]; its format


def noc_at(threshold: float) -> Measure:
    return (lambda ious: noc(ious, threshold)), ".2f"


FIRST: Measure = (lambda ious: ious[:, 0]), ".3f"
AUC: Measure = (auc, ".4f")


def above(threshold: float) -> Measure:
    return (lambda ious: 100 * (ious[:, -1] > threshold)), ".0f"


def cells_of(found: dict[str, Result], measure: Measure) -> list[str]:
    return [cell(found.get(dataset), measure) for dataset in PAPER_DATASETS]


def cell(result: Result | None, measure: Measure) -> str:
    """The mean over the images, its 95 % interval and their number, or nothing."""
    if result is None:
        return ""
    figure, form = measure
    values = figure(result.ious)
    low, high = bootstrap_interval(values)
    return f"{values.mean():{form}} [{low:{form}}, {high:{form}}], n = {len(values)}"


def headed(columns: list[str]) -> list[str]:
    """Column names with the data sets' proper names."""
    first, *others = columns
    parts = [name.split(" ", 1) for name in others]
    return [first, *(f"{title(dataset)} {rest}" for dataset, rest in parts)]

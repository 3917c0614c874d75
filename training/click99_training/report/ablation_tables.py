"""The ablation's tables: Table 7, what each step adds, and one change of the whole preset each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from click99.segmentation.metrics import auc, bootstrap_interval
from click99.segmentation.presets import VARIANTS
from click99_training.evaluation.results import Result
from click99_training.report import published
from click99_training.report.cells import (
    ALL_MEASURED,
    AUC,
    MEASURED,
    PUBLISHED,
    ReportTable,
    Row,
    cell,
    cells_of,
    headed,
    noc_at,
)
from click99_training.report.inputs import PAPER_DATASETS, Grid


def ablation_table(grid: Grid) -> ReportTable:
    """Table 7: AuC over clicks 1 to 20."""
    columns = ["variant", *(f"{dataset} AuC" for dataset in PAPER_DATASETS)]
    printed = {row["variant"]: [row[name] for name in columns] for row in published.read("ablation")}
    rows = []
    for variant in VARIANTS:
        rows.append(Row(printed[variant], PUBLISHED))
        if variant in grid:
            rows.append(Row([variant, *cells_of(grid[variant], AUC)], MEASURED))
    return ReportTable(headed(columns), rows)


def steps_table(grid: Grid) -> ReportTable:
    """What each part of the method adds to the AuC: published, measured, and whether that confirms it.

    Measured differences are paired: of the same images under both variants.
    """
    found = _found(grid)
    printed = {row["variant"]: row for row in published.read("ablation")}
    columns = [
        "step",
        *(f"{dataset} {what}" for dataset in found for what in ("published", "measured", "verdict")),
    ]
    rows = []
    for before, after in pairwise(VARIANTS):
        cells = [f"{before} → {after}"]
        for dataset in found:
            expected = float(printed[after][f"{dataset} AuC"]) - float(printed[before][f"{dataset} AuC"])
            gains = _gains(grid.get(before, {}).get(dataset), grid.get(after, {}).get(dataset))
            cells += [f"{expected:+.4f}", _difference(gains), _verdict(expected, gains)]
        rows.append(Row(cells, ALL_MEASURED))
    return ReportTable(headed(columns), rows)


def claims_table(grid: Grid) -> ReportTable:
    """The whole preset and one change each: AuC, what the change makes of it, and clicks to 90 % IoU."""
    found, whole = _found(grid), grid.get(VARIANTS[-1], {})
    columns = ["variant", *(f"{dataset} {what}" for dataset in found for what in ("AuC", "change", "NoC@90"))]
    rows = []
    for name, results in grid.items():
        cells = [name]
        for dataset in found:
            result = results.get(dataset)
            gains = _gains(whole.get(dataset), result) if name != VARIANTS[-1] else None
            cells += [cell(result, AUC), _difference(gains), cell(result, noc_at(0.9))]
        rows.append(Row(cells, ALL_MEASURED))
    return ReportTable(headed(columns), rows)


def _found(grid: Grid) -> list[str]:
    """The paper's data sets that the grid has."""
    return [dataset for dataset in PAPER_DATASETS if any(dataset in results for results in grid.values())]


def _gains(before: Result | None, after: Result | None) -> np.ndarray | None:
    """What each image's AuC gains: [N]; None unless both evaluated the same images."""
    if not (before and after) or [a.name for a in before.annotations] != [b.name for b in after.annotations]:
        return None
    return auc(after.ious) - auc(before.ious)


def _difference(gains: np.ndarray | None) -> str:
    if gains is None:
        return ""
    low, high = bootstrap_interval(gains)
    return f"{gains.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


def _verdict(expected: float, gains: np.ndarray | None) -> str:
    """Whether the interval of what was measured lies on the side of zero that was published."""
    if gains is None:
        return ""
    low, high = bootstrap_interval(gains)
    if low <= 0 <= high:
        return "open"
    return "confirmed" if (low > 0) == (expected > 0) else "contradicted"

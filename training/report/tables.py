"""The tables: the paper's, with what was measured beside what was published, and what it does not have."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.segmentation.metrics import auc, bootstrap_interval, noc
from training.records import Record, summary
from training.report import published
from training.report.inputs import DATASETS, VARIANTS, Grid, Inputs, label, title

PUBLISHED, MEASURED = "published", "measured"
DESIGN = ALL_MEASURED = ""  # where it is the same for every row
DESIGNS = {  # table number → (what of the systems, its columns)
    1: ("The networks", ("encoder", "decoder", "scale", "post-processing")),
    2: ("Clicks and masks as inputs", ("clicks as", "click fusion", "mask feedback")),
    3: ("Training", ("loss", "click schedule in training", "training set")),
}


@dataclass(frozen=True)
class Row:
    cells: list[str]
    how: str  # published, measured, or neither


@dataclass(frozen=True)
class Table:
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


def designs(number: int) -> Table:
    """Tables 1 to 3."""
    columns = ["system", *DESIGNS[number][1]]
    return Table(columns, [Row([row[name] for name in columns], DESIGN) for row in published.read("systems")])


def clicks_table(inputs: Inputs) -> Table:
    """Table 6: mean clicks to 90 % IoU (SBD: 85 %), 20 where it is never reached."""
    columns = ["system", "grabcut NoC@90", "berkeley NoC@90", "sbd NoC@85"]
    rows = [Row([row[name] for name in columns], PUBLISHED) for row in published.read("clicks")]
    measures = (_noc(0.9), _noc(0.9), _noc(0.85))
    for name in dict.fromkeys(label(each) for each in inputs.evaluations):
        found = [inputs.on(dataset).get(name) for dataset in DATASETS]
        if any(found):
            rows.append(
                Row([name, *(_cell(record, m) for record, m in zip(found, measures, strict=True))], MEASURED)
            )
    return Table(_headed(columns), rows)


def ablation_table(grid: Grid) -> Table:
    """Table 7: AuC over clicks 1 to 20."""
    columns = ["variant", *(f"{dataset} AuC" for dataset in DATASETS)]
    printed = {row["variant"]: [row[name] for name in columns] for row in published.read("ablation")}
    rows = []
    for variant in VARIANTS:
        rows.append(Row(printed[variant], PUBLISHED))
        if variant in grid:
            rows.append(Row([variant, *_cells(grid[variant], _auc)], MEASURED))
    return Table(_headed(columns), rows)


def claims_table(grid: Grid) -> Table:
    """The whole preset and one change each: AuC and clicks to 90 % IoU on the data sets that there are."""
    found = [dataset for dataset in DATASETS if any(dataset in records for records in grid.values())]
    columns = ["variant", *(f"{dataset} {what}" for dataset in found for what in ("AuC", "NoC@90"))]
    rows = [
        [name, *(_cell(records.get(dataset), measure) for dataset in found for measure in (_auc, _noc(0.9)))]
        for name, records in grid.items()
    ]
    return Table(_headed(columns), [Row(row, ALL_MEASURED) for row in rows])


def regimes_table(grid: Grid) -> Table:
    """Table 8: AuC, and the share of images above an IoU at 20 clicks."""
    columns = ["regime", "grabcut AuC", "grabcut > 99 %", "berkeley AuC", "berkeley > 95 %"]
    rows = [Row([row[name] for name in columns], PUBLISHED) for row in published.read("regimes")]
    for regime, found in grid.items():
        grabcut, berkeley = found.get("grabcut"), found.get("berkeley")
        pairs = [(grabcut, _auc), (grabcut, _above(0.99)), (berkeley, _auc), (berkeley, _above(0.95))]
        rows.append(Row([regime, *(_cell(record, measure) for record, measure in pairs)], MEASURED))
    return Table(_headed(columns), rows)


def beyond_table(records: Iterable[Record]) -> Table:
    """What the paper does not print: boundary, locality, obedience and time."""
    measures = "masks, NoC@95, NoC@99, boundary IoU at 5, boundary IoU at 20, right turned wrong, "
    measures += "clicked pixels obeyed, 3-px discs obeyed, seconds a click, time in the network"
    return Table(
        ["evaluation", *measures.split(", ")], [Row(_beyond(record), ALL_MEASURED) for record in records]
    )


def _beyond(record: Record) -> list[str]:
    figures = summary(record.annotations)
    harmed = [share for share in figures["harmed"][3:] if share is not None]  # from the 4th click on
    seconds = figures["seconds_per_click"]
    return [
        f"{title(record.dataset)}, {label(record)}",
        str(figures["masks"]),
        _cell(record, _noc(0.95)),
        _cell(record, _noc(0.99)),
        f"{figures['boundary_iou'][4]:.3f}",
        f"{figures['boundary_iou'][-1]:.3f}",
        f"{np.mean(harmed):.3%}" if harmed else "",
        _percent(figures["obeyed_pixels"]),
        _percent(figures["obeyed_discs"]),
        "" if seconds is None else f"{seconds:.3f}",
        f"{record.network_share:.0%}",
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


Measure = tuple[Callable[[np.ndarray], np.ndarray], str]  # IoUs [N, K] → one figure an image [N]; its format


def _noc(threshold: float) -> Measure:
    return (lambda ious: noc(ious, threshold)), ".2f"


_auc: Measure = (auc, ".4f")


def _above(threshold: float) -> Measure:
    return (lambda ious: 100 * (ious[:, -1] > threshold)), ".0f"


def _cells(found: dict[str, Record], measure: Measure) -> list[str]:
    return [_cell(found.get(dataset), measure) for dataset in DATASETS]


def _cell(record: Record | None, measure: Measure) -> str:
    """The mean over the images and its 95 % interval, or nothing."""
    if record is None:
        return ""
    figure, form = measure
    values = figure(record.ious)
    low, high = bootstrap_interval(values)
    return f"{values.mean():{form}} [{low:{form}}, {high:{form}}]"


def _headed(columns: list[str]) -> list[str]:
    """Column names with the data sets' proper names."""
    first, *others = columns
    parts = [name.split(" ", 1) for name in others]
    return [first, *(f"{title(dataset)} {rest}" for dataset, rest in parts)]

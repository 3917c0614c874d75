"""The paper's tables, with what was measured beside what was published, and what it does not have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from click99_training.evaluation.results import Result, by_click, by_extent, summary
from click99_training.report import published
from click99_training.report.cells import (
    ALL_MEASURED,
    AUC,
    DESIGN,
    FIRST,
    MEASURED,
    PUBLISHED,
    ReportTable,
    Row,
    above,
    cell,
    headed,
    noc_at,
)
from click99_training.report.inputs import PAPER_DATASETS, Grid, Inputs, label, title

DESIGNS = {  # table number → (what of the systems, its columns)
    1: ("The networks", ("encoder", "decoder", "scale", "post-processing")),
    2: ("Clicks and masks as inputs", ("clicks as", "click fusion", "mask feedback")),
    3: ("Training", ("loss", "click schedule in training", "training set")),
}


def designs(number: int) -> ReportTable:
    """Tables 1 to 3."""
    columns = ["system", *DESIGNS[number][1]]
    rows = [Row([row[name] for name in columns], DESIGN) for row in published.read("systems")]
    return ReportTable(columns, rows)


def clicks_table(inputs: Inputs) -> ReportTable:
    """Table 6: mean clicks to 90 % IoU (SBD: 85 %), 20 where it is never reached."""
    columns = ["system", "grabcut NoC@90", "berkeley NoC@90", "sbd NoC@85"]
    rows = [Row([row[name] for name in columns], PUBLISHED) for row in published.read("clicks")]
    measures = (noc_at(0.9), noc_at(0.9), noc_at(0.85))
    for name in dict.fromkeys(label(each) for each in inputs.evaluations):
        found = [inputs.on(dataset).get(name) for dataset in PAPER_DATASETS]
        if any(found):
            rows.append(
                Row([name, *(cell(result, m) for result, m in zip(found, measures, strict=True))], MEASURED)
            )
    return ReportTable(headed(columns), rows)


def regimes_table(grid: Grid) -> ReportTable:
    """Table 8: AuC, and the share of images above an IoU at 20 clicks."""
    columns = ["regime", "grabcut AuC", "grabcut > 99 %", "berkeley AuC", "berkeley > 95 %"]
    rows = [Row([row[name] for name in columns], PUBLISHED) for row in published.read("regimes")]
    for regime, found in grid.items():
        grabcut, berkeley = found.get("grabcut"), found.get("berkeley")
        pairs = [(grabcut, AUC), (grabcut, above(0.99)), (berkeley, AUC), (berkeley, above(0.95))]
        rows.append(Row([regime, *(cell(result, measure) for result, measure in pairs)], MEASURED))
    return ReportTable(headed(columns), rows)


def beyond_table(results: Iterable[Result]) -> ReportTable:
    """What the paper does not print: boundary, locality, obedience and time."""
    measures = "masks, NoC@95, NoC@99, boundary IoU at 5, boundary IoU at 20, right turned wrong, "
    measures += "clicked pixels obeyed, 3-px discs obeyed, seconds a click, time in the network"
    return ReportTable(
        ["evaluation", *measures.split(", ")], [Row(_beyond(result), ALL_MEASURED) for result in results]
    )


def clicks_by_click(results: Mapping[str, Result]) -> ReportTable:
    """A row for each of some clicks, of each evaluation of one data set by its label."""
    rows = {name: by_click(result.annotations) for name, result in results.items()}
    columns = ["checkpoint", *next(iter(rows.values()))[0]]
    return ReportTable(
        columns, [Row([name, *row.values()], "") for name, found in rows.items() for row in found]
    )


def sizes_table(results: Iterable[Result]) -> ReportTable | None:
    """Clicks by the size of the objects; None where no evaluation knows it."""
    columns = ["evaluation", "longer side over the picture's", "IoU after one click", "NoC@85", "NoC@90"]
    rows = [
        Row(
            [
                f"{title(result.dataset)}, {label(result)}",
                size,
                *_of_size(replace(result, annotations=group)),
            ],
            "",
        )
        for result in results
        for size, group in by_extent(result.annotations).items()
    ]
    return ReportTable(columns, rows) if rows else None


def _of_size(result: Result) -> list[str]:
    measures = (FIRST, noc_at(0.85), noc_at(0.90))
    return [cell(result, measure) for measure in measures]


def _beyond(result: Result) -> list[str]:
    figures = summary(result.annotations)
    harmed = [share for share in figures["harmed"][3:] if share is not None]  # from the 4th click on
    seconds = figures["seconds_per_click"]
    return [
        _name(result),
        str(figures["masks"]),
        cell(result, noc_at(0.95)),
        cell(result, noc_at(0.99)),
        f"{figures['boundary_iou'][4]:.3f}",
        f"{figures['boundary_iou'][-1]:.3f}",
        f"{np.mean(harmed):.3%}" if harmed else "",
        _percent(figures["obeyed_pixels"]),
        _percent(figures["obeyed_discs"]),
        "" if seconds is None else f"{seconds:.3f}",
        f"{result.network_share:.0%}",
    ]


def _name(result: Result) -> str:
    return f"{title(result.dataset)}, {label(result)}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"

"""`click99 ablation`: train and evaluate variants with one seed and one budget (Forte et al. 2020, Table 7).

Everything is kept as files, so that a stopped ablation goes on where it was: OUT/runs/VARIANT (as `click99
train` leaves it), OUT/VARIANT.DATASET.json (as `click99 evaluate` writes it), OUT/table.csv over all of them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from click99_training.evaluation.evaluate import Evaluation, report
from click99_training.loop.run import Run
from click99_training.loop.train import train
from click99_training.loop.variants import configured

COLUMNS = ("auc", "auc_interval", "noc@90", "noc@95")


@dataclass(frozen=True)
class Ablation:
    """What `click99 ablation` was asked for."""

    run: Run  # of every variant; its `out` is the ablation's folder
    variants: Sequence[str]
    benchmarks: dict[str, Path]  # name of the data set -> its folder


def ablate(ablation: Ablation) -> Path:
    """Train and evaluate what is missing, then write the table over what is there; the table's path."""
    for variant in ablation.variants:
        configured(
            ablation.run.preset, ablation.run.recipe, variant
        )  # an unknown name is told before hours pass
    for variant in ablation.variants:
        missing = {
            path: evaluation
            for name, folder in ablation.benchmarks.items()
            if not (path := ablation.run.out / f"{variant}.{name}.json").exists()
            for evaluation in [Evaluation(name, folder, None)]
        }
        if not missing:
            continue
        checkpoint = train(replace(ablation.run, variant=variant, out=ablation.run.out / "runs" / variant))
        for path, evaluation in missing.items():
            report(replace(evaluation, checkpoint=checkpoint, threads=ablation.run.threads), path)
    return tabulate(ablation)


def tabulate(ablation: Ablation) -> Path:
    """Write and print a row per variant, with the columns of every data set."""
    header = ["variant", *(f"{name} {column}" for name in ablation.benchmarks for column in COLUMNS)]
    rows = [[variant, *_figures(ablation, variant)] for variant in ablation.variants]
    path = ablation.run.out / "table.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    table = Table(*header, title=f"{ablation.run.preset}, {ablation.run.images} images a variant")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    return path


def _figures(ablation: Ablation, variant: str) -> list[str]:
    figures = []
    for name in ablation.benchmarks:
        facts = json.loads((ablation.run.out / f"{variant}.{name}.json").read_text())
        figures += [str(facts.get(column, "")) for column in COLUMNS]
    return figures

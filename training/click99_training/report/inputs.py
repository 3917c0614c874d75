"""What a report is made from: evaluations, grids of them by folder, pictures, a contact sheet, a log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from click99.segmentation.presets import VARIANTS
from click99_training.datasets.sample import Sample
from click99_training.datasets.skipped_samples import SkippedSamples, readable
from click99_training.evaluation import results
from click99_training.evaluation.evaluate import open_benchmark
from click99_training.evaluation.results import Result
from click99_training.report.gallery import LIMIT, ranked, spread

PAPER_DATASETS = {"grabcut": "GrabCut", "berkeley": "Berkeley", "sbd": "SBD"}  # the paper's, in its order
REGIMES = ("SBD", "Synth", "Synth+FT")

Grid = dict[str, dict[str, Result]]  # variant or regime → data set → its evaluation


@dataclass(frozen=True)
class Inputs:
    evaluations: Sequence[Result] = ()
    ablation: Grid = field(default_factory=dict)
    regimes: Grid = field(default_factory=dict)
    samples: dict[str, dict[str, Sample]] = field(default_factory=dict)  # data set → name → picture and truth
    composites: Path | None = None
    log: Path | None = None

    def on(self, dataset: str) -> dict[str, Result]:
        """The evaluations on one data set by what tells them apart."""
        return {label(each): each for each in self.evaluations if each.dataset == dataset}

    @property
    def published(self) -> list[Result]:
        """The evaluations on data sets of the paper's."""
        return [each for each in self.evaluations if each.dataset in PAPER_DATASETS]

    @property
    def own(self) -> list[str]:
        """The other data sets, in the order of their evaluations."""
        return list(dict.fromkeys(e.dataset for e in self.evaluations if e.dataset not in PAPER_DATASETS))


def label(result: Result) -> str:
    """Checkpoint, and the protocol where it is not the paper's."""
    notes = [result.protocol] * (result.protocol != "paper") + ["lenient"] * result.lenient
    return result.checkpoint + (f" ({', '.join(notes)})" if notes else "")


def title(dataset: str) -> str:
    return PAPER_DATASETS.get(dataset, dataset)


def read_grid(folder: Path, order: Sequence[str]) -> Grid:
    """The files VARIANT.DATASET.json of a folder; variants in the given order, others after them.

    Raises:
        ValueError: there are none.
    """
    grid: Grid = {}
    for path in sorted(folder.glob("*.*.json")):
        variant, _, dataset = path.stem.rpartition(".")
        grid.setdefault(variant, {})[dataset] = results.read(path)
    if not grid:
        raise ValueError(
            f"{folder} holds no VARIANT.DATASET.json: name the folder that click99 ablation wrote"
        )
    known = [variant for variant in order if variant in grid]
    return {variant: grid[variant] for variant in [*known, *sorted(set(grid) - set(known))]}


def read_inputs(
    evaluations: Sequence[Path],
    ablation: Path | None = None,
    regimes: Path | None = None,
    pictures: dict[str, Path] | None = None,
    composites: Path | None = None,
    log: Path | None = None,
) -> Inputs:
    """Everything that `click99 report` was given, read and checked.

    Args:
        pictures: data set → its folder.
    """
    read = [results.read(path) for path in evaluations]
    of_regimes = read_grid(regimes, REGIMES) if regimes else {}
    wanted = {
        (result.dataset, each.name)
        for result in (*read, *(result for found in of_regimes.values() for result in found.values()))
        for each in spread(ranked(result), LIMIT)
    }
    return Inputs(
        evaluations=read,
        ablation=read_grid(ablation, VARIANTS) if ablation else {},
        regimes=of_regimes,
        samples={name: _samples(name, folder, wanted) for name, folder in (pictures or {}).items()},
        composites=composites,
        log=log,
    )


def _samples(dataset: str, folder: Path, wanted: set[tuple[str, str]]) -> dict[str, Sample]:
    """Those that the galleries show, by name."""
    found = readable(open_benchmark(dataset, folder), SkippedSamples())
    return {sample.name: sample for sample in found if (dataset, sample.name) in wanted}

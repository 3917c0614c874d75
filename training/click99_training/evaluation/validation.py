"""`click99 validate`: which checkpoint is better, on held-out pictures that look like people's work.

Photos alone and in mosaics, small objects, all but the object, people's clicks, shapes in megapixels, and
every source of the domains by itself; one table, one number with its interval. Benchmarks stay for the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from click99.files import replacing
from click99.segmentation.device import use_threads
from click99.segmentation.metrics import noc
from click99.segmentation.predictor import Predictor
from click99.segmentation.robot import ROBOTS
from click99_training.datasets.dataset import SampleDataset, Subset, evenly
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.manifest import ManifestDataset
from click99_training.datasets.mosaics import Mosaics
from click99_training.datasets.sample import Sample, inverted
from click99_training.datasets.shapes import LargePictures
from click99_training.datasets.skipped_samples import SkippedSamples, readable
from click99_training.evaluation.evaluate import annotate, object_extent
from click99_training.evaluation.kept import KeptLines
from click99_training.evaluation.prefetch import ahead

SHOWN = (1, 2, 3, 5)  # clicks
COUNTED = 5  # clicks whose mean IoU is the score
SMALL = 0.25  # of a photo's longer side
DRAWS = 2000  # of the intervals
DOMAIN = "domain: "  # begins the names of sources


@dataclass(frozen=True)
class Suite:
    """One row of the table: samples, and whether they are clicked where people click."""

    name: str
    data: SampleDataset
    lenient: bool = False


@dataclass(frozen=True)
class Validation:
    """What `click99 validate` was asked for."""

    data: Path  # photos of everyday objects, with a manifest
    domains: Path | None  # other pictures, with a manifest, a row each source
    checkpoint: Path | None
    each: int = 24  # samples of a suite, at most
    clicks: int = 20
    threads: int = 2


class InvertedSamples(SampleDataset):
    """Another data set, asked for all that the object is not."""

    def __init__(self, data: SampleDataset):
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, k: int) -> Sample:
        return inverted(self.data[k])


def suites(asked: Validation) -> Iterator[Suite]:
    photos = ManifestDataset(asked.data, "val")
    some = evenly(photos, asked.each)
    yield Suite("alone", some)
    yield Suite("mosaic 2 × 2", Mosaics(some, 2))
    yield Suite("mosaic 4 × 4", Mosaics(some, 4))
    if small := smallest(photos):
        yield Suite("small objects", evenly(Subset(photos, small), asked.each))
    yield Suite("inverted", InvertedSamples(some))
    yield Suite("people's clicks", some, lenient=True)
    yield Suite("shapes, 6 MP", LargePictures(asked.each // 2))
    if asked.domains:
        others = ManifestDataset(asked.domains, "val")
        for source in sorted({entry.source for entry in others.photos}):
            of_it = [k for k, entry in enumerate(others.photos) if entry.source == source]
            yield Suite(f"{DOMAIN}{source}", evenly(Subset(others, of_it), asked.each))


def smallest(photos: ManifestDataset) -> list[int]:
    """The numbers of the objects whose longer side is at most SMALL of their photo's."""
    found = []
    for k in range(len(photos)):
        try:
            found += [k] if object_extent(photos[k].truth) <= SMALL else []
        except SampleError:
            continue
    return found


def measure(predictor: Predictor, suite: Suite, clicks: int) -> np.ndarray:
    """IoU of each sample after each click: [N, clicks]."""
    rng = np.random.default_rng(0) if suite.lenient else None
    samples = track(
        ahead(readable(suite.data, SkippedSamples())), suite.name, total=len(suite.data), transient=True
    )
    annotations = [annotate(predictor, sample, ROBOTS["paper"], rng, clicks) for sample in samples]
    return np.stack([each.ious for each in annotations])


def score(tables: dict[str, np.ndarray]) -> np.ndarray:
    """Mean IoU over the first clicks, and draws of it for an interval: [1 + DRAWS].

    Every row counts alike, but all sources of the domains together as one: so none counts for its images.
    """
    rng = np.random.default_rng(0)
    rows = {name: table[:, :COUNTED].mean(1) for name, table in tables.items()}
    drawn = {name: _drawn(row, rng) for name, row in rows.items()}
    own = [means for name, means in drawn.items() if not name.startswith(DOMAIN)]
    domains = [means for name, means in drawn.items() if name.startswith(DOMAIN)]
    return np.mean([*own, *([np.mean(domains, 0)] if domains else [])], 0)


def _drawn(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mean, then means of samples drawn again with replacement."""
    picks = rng.integers(len(values), size=(DRAWS, len(values)))
    return np.concatenate([[values.mean()], values[picks].mean(1)])


def validate(asked: Validation, out: Path | None, against: Path | None) -> None:
    """Measure every suite and print the table; write the figures to `out`, compare with those of `against`.

    Where there is an `out`, a validation that was stopped goes on with the next suite.

    Raises:
        ValueError: `against` holds other suites or other numbers of samples.
    """
    before = _read(against) if against else None
    use_threads(asked.threads)
    predictor = Predictor.load(asked.checkpoint)
    question = [predictor.version, str(asked.data), str(asked.domains), asked.each, asked.clicks]
    kept = KeptLines(out, question)
    tables = _tables(predictor, asked, kept)
    Console().print(_table(predictor.version, tables))
    if out:
        ious = {name: table.tolist() for name, table in tables.items()}
        with replacing(out) as file:
            file.write(json.dumps({"checkpoint": predictor.version, "ious": ious}).encode())
        kept.forget()
    if before:
        Console().print(compared(tables, before))


def _tables(predictor: Predictor, asked: Validation, kept: KeptLines) -> dict[str, np.ndarray]:
    tables = {name: np.array(table) for name, table in kept.lines}
    for suite in suites(asked):
        if suite.name not in tables:
            tables[suite.name] = measure(predictor, suite, asked.clicks)
            kept.add([suite.name, tables[suite.name].tolist()])
    return tables


def compared(tables: dict[str, np.ndarray], before: dict[str, np.ndarray]) -> str:
    """How the score differs on the same samples, with its paired interval."""
    if {n: t.shape for n, t in tables.items()} != {n: t.shape for n, t in before.items()}:
        raise ValueError("the two validations are not of the same samples: run both with the same options")
    difference = score({name: table - before[name] for name, table in tables.items()})
    low, high = np.quantile(difference[1:], (0.025, 0.975))
    verdict = "surely better" if low > 0 else "surely worse" if high < 0 else "not surely different"
    return f"against the other: {difference[0]:+.4f} ({low:+.4f} to {high:+.4f}), {verdict}"


def _read(path: Path) -> dict[str, np.ndarray]:
    return {name: np.array(table) for name, table in json.loads(path.read_text())["ious"].items()}


def _table(version: str, tables: dict[str, np.ndarray]) -> Table:
    shown = Table(title=f"{version}: mean IoU after clicks, clicks to 85 and 90 %")
    shown.add_column("", no_wrap=True)
    for name in ("", *(f"IoU {k}" for k in SHOWN), "NoC@85", "NoC@90"):
        shown.add_column(name, justify="right", no_wrap=True)
    for name, table in tables.items():
        shown.add_row(name, str(len(table)), *_figures([table]))
    domains = [table for name, table in tables.items() if name.startswith(DOMAIN)]
    if domains:
        shown.add_row("domains, mean", str(sum(map(len, domains))), *_figures(domains))
    value, *draws = score(tables)
    low, high = np.quantile(draws, (0.025, 0.975))
    shown.caption = f"mean IoU over {COUNTED} clicks: {value:.4f} ({low:.4f} to {high:.4f})"
    return shown


def _figures(tables: Sequence[np.ndarray]) -> list[str]:
    """Means of the tables' own means: IoU after some clicks, then the clicks to 85 and 90 %."""
    mean = np.mean([table.mean(0) for table in tables], 0)
    nocs = [np.mean([noc(table, threshold).mean() for table in tables]) for threshold in (0.85, 0.9)]
    return [f"{mean[k - 1]:.3f}" for k in SHOWN if k <= len(mean)] + [f"{clicks:.2f}" for clicks in nocs]

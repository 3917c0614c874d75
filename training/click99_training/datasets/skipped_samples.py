"""Samples that cannot be used: skipped, counted and named, instead of ending a run of hours."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.sample import Sample

PROBES = 50  # samples that are tried before a run
NAMED = 10  # in a message; the CSV has all


class SkippedSamples:
    """Which files were skipped and why; with a path also written there as CSV, by any number of processes."""

    def __init__(self, path: Path | None = None):
        self.path = path
        self.reasons = self._written()

    def add(self, bad: SampleError) -> None:
        """Note a sample, once however often it is met."""
        if bad.file in self.reasons:
            return
        self.reasons = self.all()
        if self.path and bad.file not in self.reasons:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", newline="") as file:
                csv.writer(file).writerow([bad.file, bad.reason])
        self.reasons[bad.file] = bad.reason

    def all(self) -> dict[str, str]:
        """File → reason, those of other processes too."""
        return self.reasons | self._written()

    def __str__(self) -> str:
        reasons = self.all()
        lines = [f"  {file}: {reason}" for file, reason in list(reasons.items())[:NAMED]]
        rest = [f"  and {len(reasons) - NAMED} more"] if len(reasons) > NAMED else []
        return "\n".join([f"{len(reasons)} skipped:", *lines, *rest])

    def _written(self) -> dict[str, str]:
        if not (self.path and self.path.exists()):
            return {}
        with self.path.open(newline="") as file:
            return dict(row for row in csv.reader(file) if len(row) == 2)


def readable(data: SampleDataset, skipped: SkippedSamples) -> Iterator[Sample]:
    """Every sample that can be used, in order; the others are noted."""
    for k in range(len(data)):
        try:
            yield data[k]
        except SampleError as bad:
            skipped.add(bad)


def refuse_mostly_bad(data: SampleDataset) -> None:
    """Try samples from all over the data; ValueError with the list when more than half cannot be used."""
    skipped = SkippedSamples()
    tried = np.unique(np.linspace(0, len(data) - 1, min(PROBES, len(data))).round().astype(int))
    for k in tried:
        try:
            data[int(k)]
        except SampleError as bad:
            skipped.add(bad)
    if len(skipped.reasons) > len(tried) / 2:
        raise ValueError(f"most of the data cannot be used: of {len(tried)} samples tried, {skipped}")

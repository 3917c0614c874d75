"""What a training run writes down as it goes: log.csv and the progress bar."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from click99_training.loop.trainer import BatchScores


class TrainingLog:
    """Means over every so many images, appended to a CSV: loss, IoU before and after each click, and the
    share of the time that the network waited for data."""

    def __init__(self, path: Path, done: int, every: int):
        self.every = every
        self.path, self.since, self.rows = path, done, []
        self.begun, self.waited = time.perf_counter(), 0.0
        self.line = ""

    def waiting(self, batches: Iterable) -> Iterator:
        """The batches, with the time that each was waited for taken down."""
        source = iter(batches)
        while True:
            start = time.perf_counter()
            try:
                batch = next(source)
            except StopIteration:
                return
            self.waited += time.perf_counter() - start
            yield batch

    def add(self, done: int, side: int, scores: BatchScores) -> str:
        """Take one batch down; the line beside the progress bar."""
        self.rows.append([done, side, float(np.mean(scores.losses)), *scores.ious])
        if done - self.since >= self.every:
            self.write()
        return self.line

    def write(self) -> None:
        """Append the means over what was taken down since the last row, if anything was."""
        if not self.rows:
            return
        loss, *ious = np.mean([row[2:] for row in self.rows], 0)
        done, side = self.rows[-1][:2]
        waiting = self.waited / (time.perf_counter() - self.begun)
        self._append(done, side, loss, waiting, ious)
        shown = " ".join(f"{value:.3f}" for value in ious)
        self.line = f"loss {loss:.3f}  IoU {shown}  waiting for data {waiting:.0%}"
        self.rows, self.since = [], done
        self.begun, self.waited = time.perf_counter(), 0.0

    def _append(self, done: int, side: int, loss: float, waiting: float, ious: list[float]) -> None:
        names = ["images", "side", "unix_time", "loss", "waiting", *(f"iou_{k}" for k in range(len(ious)))]
        measured = (f"{value:.4f}" for value in (loss, waiting, *ious))
        row = dict(zip(names, [done, side, round(time.time()), *measured], strict=True))
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, names)
            if new:
                writer.writeheader()
            writer.writerow(row)


def progress_bar(shown: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    remaining = (TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[line]}"))
    return Progress(*columns, *remaining, disable=not shown)

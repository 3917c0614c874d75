"""Training bounded by time instead of images: the rates have fallen when it is up.

Time that the run was stopped for does not count. Under torchrun every process stops at the same batch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from click99.segmentation.checkpoint import save_checkpoint
from click99_training.datasets.crops import CropStream
from click99_training.learning.curves_page import write_curves
from click99_training.learning.progress import News, Stopped
from click99_training.loop.distributed import mean_over_processes, wait_for_all, world
from click99_training.loop.log import TrainingLog
from click99_training.loop.steps import restore, save_state, steps
from click99_training.loop.trainer import Trainer

SAVE_SECONDS = 60.0
LOG_EVERY = 24  # images
ENDLESS = 10**9  # images: the time is up before


@dataclass(frozen=True)
class TimedRun:
    """checkpoint: where the averaged weights go; last.pt, log.csv and curves.html are beside it."""

    checkpoint: Path
    seconds: float
    seed: int = 0

    @property
    def folder(self) -> Path:
        return self.checkpoint.parent


def train_for(run: TimedRun, trainer: Trainer, stream: CropStream, news: News) -> None:
    """Train until the time is up, going on from last.pt where there is one.

    Raises:
        Stopped: somebody wished so; all is saved.
        OSError: the disk takes no checkpoint; the one before is whole, and the run goes on from there.
    """
    before = restore(trainer, run.folder / "last.pt")
    seen, spent, stop = before.get("done", 0), before.get("seconds", 0.0), False
    log = TrainingLog(run.folder / "log.csv", seen, LOG_EVERY)
    saved, begun, first = time.monotonic(), time.monotonic() - spent, world()[0] == 0
    made = steps(
        trainer, stream, log, seed=run.seed, images=ENDLESS, seen=seen, behind=lambda _: spent / run.seconds
    )
    with _bar(shown=first) as bar:
        task = bar.add_task("fine-tuning", total=run.seconds, note="")
        while spent < run.seconds and not stop:
            seen, note = next(made)
            spent, stop = _agreed(time.monotonic() - begun, news.asked_to_stop, trainer.device)
            bar.update(task, completed=spent, note=note)
            if first:
                told = f"{seen} images. {note}"
                news.tell("training", spent / run.seconds, run.seconds - spent, told)
            if first and time.monotonic() - saved > SAVE_SECONDS:
                _save(run, trainer, seen, spent)
                saved = time.monotonic()
    if first:
        log.write()
        _save(run, trainer, seen, spent)
    wait_for_all()
    if stop:
        raise Stopped


def _agreed(spent: float, stop: bool, device: torch.device) -> tuple[float, bool]:
    """All processes' mean time, and whether any was asked to stop."""
    mean, stopping = mean_over_processes([spent, float(stop)], device)
    return mean, stopping > 0


def _save(run: TimedRun, trainer: Trainer, seen: int, spent: float) -> None:
    save_state({"trainer": trainer.state(), "done": seen, "seconds": spent}, run.folder / "last.pt")
    save_checkpoint(trainer.average, run.checkpoint, images=seen, seed=run.seed)
    write_curves(run.folder, spent / run.seconds)


def _bar(shown: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    return Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"), disable=not shown)

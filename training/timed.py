"""The loop of training/train.py bounded by time instead of images: the rates have fallen when it is up.

Time that the run was stopped for does not count. Under torchrun every process stops at the same batch.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import tee
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch.utils.data import DataLoader

from backend.segmentation.checkpoint import save_checkpoint
from training.batch import Batch
from training.click_by_click import Trainer
from training.curves_page import write_curves
from training.datasets.sample import Sample
from training.datasets.stream import CropStream, batches
from training.distributed import mean_over_processes, wait_for_all, world
from training.log import TrainingLog
from training.news import News, Stopped
from training.train import CLICK_SEED, crop_workers, everyones, save_state

SAVE_SECONDS = 60.0
LOG_EVERY = 24  # images
ENDLESS = 10**9  # images: the time is up before

Key = tuple[int, int]  # of a crop: index, side


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
    rank, processes = world()
    seen, spent = _restore(trainer, run.folder / "last.pt")
    keys, again = tee(batches(trainer.recipe, ENDLESS, start=seen))
    log = TrainingLog(run.folder / "log.csv", seen, LOG_EVERY)
    crops = log.waiting(_loader(stream, (key[rank::processes] for key in again), crop_workers(processes)))
    saved, begun = time.monotonic(), time.monotonic() - spent
    with _bar(shown=rank == 0) as bar:
        task = bar.add_task("fine-tuning", total=run.seconds, note="")
        while True:
            spent, stop = _agreed(time.monotonic() - begun, news.asked_to_stop, trainer.device)
            if stop or spent >= run.seconds:
                break
            key, samples = next(keys), next(crops)
            progress = _step(run, trainer, key[rank::processes], samples, spent)
            seen = key[-1][0] + 1
            if rank == 0:
                note = log.add(seen, key[0][1], progress)
                bar.update(task, completed=spent, note=note)
                told = f"{seen} images. {note}"
                news.tell("training", spent / run.seconds, run.seconds - spent, told)
            if rank == 0 and time.monotonic() - saved > SAVE_SECONDS:
                _save(run, trainer, seen, spent)
                saved = time.monotonic()
    if rank == 0:
        log.write()
        _save(run, trainer, seen, spent)
    wait_for_all()
    if stop:
        raise Stopped


def _step(run: TimedRun, trainer: Trainer, keys: list[Key], samples: list[Sample], spent: float):
    trainer.set_rate(spent / run.seconds)
    seeds = [(run.seed, index, CLICK_SEED) for index, _ in keys]
    encoding = trainer.network.config.click_encoding
    progress = trainer.train(Batch.start(samples, seeds, trainer.recipe, encoding, trainer.device))
    return everyones(progress, trainer.device)


def _agreed(spent: float, stop: bool, device: torch.device) -> tuple[float, bool]:
    """All processes' mean time, and whether any was asked to stop."""
    mean, stopping = mean_over_processes([spent, float(stop)], device)
    return mean, stopping > 0


def _loader(stream: CropStream, keys: Iterable[list[Key]], workers: int) -> Iterable[list[Sample]]:
    return DataLoader(
        stream,
        batch_sampler=keys,
        num_workers=workers,
        prefetch_factor=4,
        collate_fn=list,
        worker_init_fn=_leave_signals_to_the_parent,
    )


def _leave_signals_to_the_parent(_: int) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)


def _restore(trainer: Trainer, kept: Path) -> tuple[int, float]:
    """Images seen and seconds spent so far."""
    if not kept.exists():
        return 0, 0.0
    state = torch.load(kept, map_location=trainer.device, weights_only=True)
    trainer.restore(state["trainer"])
    return state["done"], state["seconds"]


def _save(run: TimedRun, trainer: Trainer, seen: int, spent: float) -> None:
    save_state({"trainer": trainer.state(), "done": seen, "seconds": spent}, run.folder / "last.pt")
    save_checkpoint(trainer.average, run.checkpoint, images=seen, seed=run.seed)
    write_curves(run.folder, spent / run.seconds)


def _bar(shown: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    return Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"), disable=not shown)

"""The loop of every training run, whatever bounds it. Resumable, logged, its average saved as a checkpoint.

Under torchrun every process trains on its share of each batch; the first one logs, tells and saves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from click99.segmentation.checkpoint import save_checkpoint
from click99_training.datasets.crops import CropStream
from click99_training.loop.distributed import mean_over_processes, wait_for_all, world
from click99_training.loop.log import TrainingLog, progress_bar
from click99_training.loop.steps import restore, save_state, steps
from click99_training.loop.stop_request import RunInterrupt, StopRequest
from click99_training.loop.trainer import Trainer

Tell = Callable[[float, float, str], None]  # share of the run behind, seconds left, what else there is to say


@dataclass
class Position:
    """How far a run has come: crops seen, and seconds spent; those that it was stopped for do not count."""

    images: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class RunPlan:
    """What bounds a run (images, seconds, or neither), and where it saves.

    checkpoint: where the averaged weights go; last.pt and log.csv are beside it. begin: crops seen before it.
    draw: called after each save with the share of the run that lies behind.
    """

    checkpoint: Path
    seed: int
    draw: Callable[[float], None]
    save_seconds: float
    log_every: int  # images
    images: int | None = None
    begin: int = 0
    seconds: float | None = None

    @property
    def folder(self) -> Path:
        return self.checkpoint.parent

    @property
    def bounded(self) -> bool:
        return bool(self.images or self.seconds)

    def share(self, at: Position) -> float:
        """Of the run that lies behind; 0 where it has no end."""
        if self.seconds:
            return at.seconds / self.seconds
        return (at.images - self.begin) / (self.images - self.begin) if self.images else 0.0


def training_loop(
    plan: RunPlan, trainer: Trainer, stream: CropStream, stop: StopRequest, tell: Tell = lambda *_: None
) -> None:
    """Train until the plan is done, going on from last.pt where there is one.

    Raises:
        RunInterrupt: somebody wished so; all is saved.
        OSError: the disk takes no checkpoint; the one before is whole, and the run goes on from there.
    """
    before = restore(trainer, plan.folder / "last.pt")
    at, first = Position(before.get("done", 0), before.get("seconds", 0.0)), world()[0] == 0
    log = TrainingLog(plan.folder / "log.csv", at.images, plan.log_every)
    stopping, saved, begun = False, time.monotonic(), time.monotonic() - at.seconds

    def done() -> float:
        return at.images if trainer.recipe.schedule == "constant" else plan.share(at)

    made = steps(trainer, stream, log, seed=plan.seed, images=plan.images, seen=at.images, done=done)
    with progress_bar(shown=first) as bar:
        task = bar.add_task("training", total=1 if plan.bounded else None, line="")
        while not stopping and plan.share(at) < 1 and (step := next(made, None)):
            at.images, line = step
            at.seconds, stopping = _agreed(time.monotonic() - begun, stop.asked_to_stop, trainer.device)
            share, line = plan.share(at), f"{at.images} images. {line}"
            bar.update(task, completed=share, line=line)
            if first:
                tell(share, at.seconds / share - at.seconds if share else 0.0, line)
            if first and time.monotonic() - saved > plan.save_seconds:
                save(plan, trainer, at)
                saved = time.monotonic()
    if first:
        log.write()
        save(plan, trainer, at)
    wait_for_all()
    if stopping:
        raise RunInterrupt


def save(plan: RunPlan, trainer: Trainer, at: Position) -> None:
    """last.pt to resume from, the averaged weights as a checkpoint, and the curves."""
    state = {"trainer": trainer.state(), "done": at.images, "seconds": at.seconds}
    save_state(state, plan.folder / "last.pt")
    save_checkpoint(trainer.averaged, plan.checkpoint, images=at.images, seed=plan.seed)
    plan.draw(plan.share(at))


def _agreed(seconds: float, stop: bool, device: torch.device) -> tuple[float, bool]:
    """All processes' mean time, and whether any was asked to stop."""
    mean, stopping = mean_over_processes([seconds, float(stop)], device)
    return mean, stopping > 0

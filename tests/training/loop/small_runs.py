"""Runs of a few small crops, stopped and compared."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from click99.segmentation.checkpoint import load_checkpoint
from click99_training.loop.run import Run
from click99_training.loop.stop_request import RunInterrupt
from click99_training.loop.training_loop import save


def small_run(data_folder: Path, out: Path, images: int, **changes) -> Run:
    crops = "64:2:0.5,96:2:0.5"
    return Run("compact", data_folder, out, images, save_minutes=0, threads=1, crops=crops, **changes)


@contextmanager
def stopped_at_its_first_save(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SIGTERM comes while a run saves, after its first batch; it does one more."""

    def save_and_stop(*args) -> None:
        save(*args)
        signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as stopping, pytest.raises(RunInterrupt):  # noqa: PT012
        stopping.setattr("click99_training.loop.training_loop.save", save_and_stop)
        yield


def same(one: Path, other: Path) -> bool:
    ours, theirs = (load_checkpoint(path).state_dict() for path in (one, other))
    return all(torch.equal(ours[name], theirs[name]) for name in theirs)


def seen(folder: Path) -> int:
    return torch.load(folder / "last.pt", weights_only=True)["done"]

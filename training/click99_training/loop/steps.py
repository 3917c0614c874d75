"""Batch after batch of a run, in one process or in several under torchrun; who calls decides when to stop."""

from __future__ import annotations

import ctypes
import io
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import takewhile, tee
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from click99.files import replacing
from click99_training.datasets.crops import CropStream, batches
from click99_training.datasets.sample import Sample
from click99_training.loop.batch import Batch
from click99_training.loop.distributed import mean_over_processes, told_by_first, world
from click99_training.loop.log import TrainingLog
from click99_training.loop.trainer import BatchScores, Trainer
from click99_training.recipes import Recipe

MOST_WORKERS = 8  # more make no difference to one GPU
PR_SET_PDEATHSIG = 1  # of linux/prctl.h
CLICK_SEED = 1  # beside the run's seed and the image's index, so that clicks and crops draw apart

Key = tuple[int, int]  # of a crop: index, side


def steps(
    trainer: Trainer,
    stream: CropStream,
    log: TrainingLog,
    *,
    seed: int,
    images: int | None,
    seen: int,
    done: Callable[[], float],
) -> Iterator[tuple[int, str]]:
    """Train a batch, log it, and yield how many images were seen by now and the log's line.

    Args:
        images: where to end; None: nowhere. seen: where to go on from.
        done: how much lies behind before a batch, in the unit of the recipe's schedule.
    """
    rank, processes = world()
    keys, again = tee(_keys(trainer.recipe, images, seen))
    crops = log.waiting(_loader(stream, (key[rank::processes] for key in again), crop_workers(processes)))
    for key, samples in zip(keys, crops, strict=True):
        trainer.set_rate(done())
        seeds = [(seed, index, CLICK_SEED) for index, _ in key[rank::processes]]
        encoding = trainer.network.config.click_encoding
        scores = trainer.train(Batch.start(samples, seeds, trainer.recipe, encoding, trainer.device))
        seen = key[-1][0] + 1
        scores = _everyones(scores, trainer.device)
        yield seen, log.add(seen, key[0][1], scores) if rank == 0 else ""


def by_turns(crops: tuple[tuple[int, int, float], ...], start: int = 0) -> Iterator[list[Key]]:
    """The keys of batches without end from image `start` on: next is the side farthest behind its share."""
    index, seen = 0, [0] * len(crops)
    while True:
        ahead = [count - share * index for count, (_, _, share) in zip(seen, crops, strict=True)]
        side, batch, _ = crops[k := ahead.index(min(ahead))]
        if index >= start:
            yield [(image, side) for image in range(index, index + batch)]
        index, seen[k] = index + batch, seen[k] + batch


def _keys(recipe: Recipe, images: int | None, start: int) -> Iterator[list[Key]]:
    if recipe.by_turns:
        return takewhile(lambda key: not images or key[0][0] < images, by_turns(recipe.crops, start))
    assert images, "sizes that follow each other need an end"
    return batches(recipe, images, start)


def crop_workers(processes: int) -> int:
    """How many processes make crops for each that trains: what cores are left. Any number makes the same."""
    return max(1, min(MOST_WORKERS, (os.cpu_count() or 2) // processes - 1))


def restore(trainer: Trainer, last: Path) -> dict:
    """Bring the trainer to where a `last.pt` stands, if the first process has one; what else it holds."""
    found = world()[0] == 0 and last.exists()
    kept = told_by_first(last.read_bytes() if found else b"", trainer.device)
    if not kept:
        return {}
    state = torch.load(io.BytesIO(kept), map_location=trainer.device, weights_only=True)
    trainer.restore(state.pop("trainer"))
    return state


def save_state(state: dict, path: Path) -> None:
    """Write what a run resumes from, whole or not at all. OSError when the disk does not take it."""
    packed = io.BytesIO()  # torch tells of a full disk in words of its own
    torch.save(state, packed)
    with replacing(path) as file:
        file.write(packed.getbuffer())


def _loader(stream: CropStream, keys: Iterable[list[Key]], workers: int) -> Iterable[list[Sample]]:
    return DataLoader(
        stream,
        batch_sampler=keys,
        num_workers=workers,
        prefetch_factor=4,
        collate_fn=list,
        worker_init_fn=_end_with_the_parent,
    )


def _end_with_the_parent(_: int) -> None:
    """Ctrl-C, `timeout` and supervisors signal a whole process group, and the parent alone decides what
    becomes of its workers: they are in groups of their own. A parent that fails ends them by SIGTERM, and
    waits for them; of one that is killed, Linux does.
    """
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(OSError, AttributeError):  # another system
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _everyones(scores: BatchScores, device: torch.device) -> BatchScores:
    """The scores of all processes together."""
    return BatchScores(mean_over_processes(scores.losses, device), mean_over_processes(scores.ious, device))

"""`click99 train`: the run around the loop. Resumable, logged, plotted, its average saved as a checkpoint."""

from __future__ import annotations

import csv
import ctypes
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch.utils.data import DataLoader

from backend.segmentation.checkpoint import load_checkpoint, save_checkpoint
from backend.segmentation.network import TwoStreamNetwork
from backend.segmentation.presets import PRESETS
from training.click_by_click import Batch, Trainer
from training.datasets.manifest import ManifestDataset
from training.datasets.stream import CropStream, batches
from training.plots import plot_training
from training.presets import RECIPES, Recipe
from training.pretrained import load_imagenet

LOG_EVERY = 200  # images
CLICK_SEED = 1  # beside the run's seed and the image's index, so that clicks and crops draw apart


@dataclass(frozen=True)
class Run:
    """One training run: what `click99 train` was asked for."""

    preset: str
    data: Path
    out: Path
    images: int
    seed: int = 0
    start_from: Path | None = None  # a checkpoint to go on from with fresh optimisers; None = ImageNet
    save_minutes: float = 4.0
    threads: int = 2
    rate: float = 1.0  # factor on the recipe's learning rates
    crops: str = ""  # "side:batch:share,…" instead of the recipe's


def train(run: Run) -> Path:
    """Train until `run.images` crops were seen, resuming from run.out/last.pt where there is one.

    Returns:
        the checkpoint of the averaged weights, run.out/PRESET.safetensors.
    """
    keep_freed_memory()
    torch.set_flush_denormal(True)  # vanishing gradients made steps three times slower
    torch.set_num_threads(run.threads)
    recipe = adjusted(recipe_named(run.preset), run)
    run.out.mkdir(parents=True, exist_ok=True)
    facts = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(run).items()}
    (run.out / "run.json").write_text(json.dumps({"run": facts, "recipe": asdict(recipe)}, indent=1))
    torch.manual_seed(run.seed)
    trainer = Trainer(initial_network(run), recipe)
    done = restore(trainer, run.out / "last.pt")
    loop(run, recipe, trainer, done)
    return run.out / f"{run.preset}.safetensors"


def adjusted(recipe: Recipe, run: Run) -> Recipe:
    """The recipe with the run's own rates and crops."""
    rates = {"head_rate": recipe.head_rate * run.rate, "encoder_rate": recipe.encoder_rate * run.rate}
    return replace(recipe, crops=parse_crops(run.crops) if run.crops else recipe.crops, **rates)


def recipe_named(preset: str) -> Recipe:
    if preset not in RECIPES:
        raise ValueError(f"preset {preset!r} is unknown, there is: {', '.join(RECIPES)}")
    return RECIPES[preset]


def parse_crops(text: str) -> tuple[tuple[int, int, float], ...]:
    """The schedule of "side:batch:share,…"; sides are multiples of 32, shares sum to 1."""
    try:
        parts = [part.split(":") for part in text.split(",")]
        crops = tuple((int(side), int(batch), float(share)) for side, batch, share in parts)
    except ValueError:
        raise ValueError(f"crops {text!r} are not side:batch:share,… such as 160:6:0.5,256:4:0.5") from None
    if any(side % 32 or side <= 0 or batch <= 0 for side, batch, _ in crops):
        raise ValueError(f"crops {text!r}: sides must be multiples of 32, batches at least 1")
    if abs(sum(share for *_, share in crops) - 1) > 1e-6:
        raise ValueError(f"crops {text!r}: the shares must sum to 1")
    return crops


def initial_network(run: Run) -> TwoStreamNetwork:
    if run.start_from:
        return load_checkpoint(run.start_from)
    network = TwoStreamNetwork(PRESETS[run.preset])
    load_imagenet(network.encoder)
    return network


def restore(trainer: Trainer, last: Path) -> int:
    """Bring the trainer to where last.pt stands; how many images it has seen."""
    if not last.exists():
        return 0
    state = torch.load(last, map_location="cpu", weights_only=True)
    trainer.restore(state["trainer"])
    return state["done"]


def loop(run: Run, recipe: Recipe, trainer: Trainer, done: int) -> None:
    stream = CropStream(ManifestDataset(run.data, "train"), recipe, run.seed)
    keys = list(batches(recipe, run.images, start=done))
    loader = DataLoader(stream, batch_sampler=keys, num_workers=1, prefetch_factor=4, collate_fn=list)
    saved, log = time.monotonic(), TrainingLog(run.out / "log.csv", done)
    with progress_bar() as bar:
        task = bar.add_task("training", total=run.images, completed=done, note="")
        for key, samples in zip(keys, loader, strict=True):
            seeds = [(run.seed, index, CLICK_SEED) for index, _ in key]
            trainer.set_rate(done / run.images)
            result = trainer.train(Batch.start(samples, seeds, recipe))
            done = key[-1][0] + 1
            note = log.add(done, key[0][1], result.losses, result.ious)
            bar.update(task, completed=done, note=note)
            if time.monotonic() - saved > 60 * run.save_minutes:
                save(run, trainer, done)
                saved = time.monotonic()
    save(run, trainer, done)


def save(run: Run, trainer: Trainer, done: int) -> None:
    """last.pt to resume from, the averaged weights as a checkpoint, and the curves."""
    unfinished = run.out / "last.unfinished"
    torch.save({"trainer": trainer.state(), "done": done}, unfinished)
    unfinished.replace(run.out / "last.pt")
    save_checkpoint(trainer.average, run.out / f"{run.preset}.safetensors", images=done, seed=run.seed)
    plot_training(run.out / "log.csv", run.out / "curves.png")


class TrainingLog:
    """Means over every LOG_EVERY images, appended to a CSV: loss, IoU before and after each click."""

    def __init__(self, path: Path, done: int):
        self.path, self.since, self.rows = path, done, []
        self.note = ""

    def add(self, done: int, side: int, losses: list[float], ious: list[float]) -> str:
        self.rows.append([float(np.mean(losses)), *ious])
        if done - self.since >= LOG_EVERY:
            means = np.mean(self.rows, 0)
            self._append([done, side, round(time.time()), *(f"{value:.4f}" for value in means)])
            self.note = f"loss {means[0]:.3f}  IoU " + " ".join(f"{value:.3f}" for value in means[1:])
            self.rows, self.since = [], done
        return self.note

    def _append(self, row: list) -> None:
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                clicks = [f"iou_{k}" for k in range(len(row) - 4)]
                writer.writerow(["images", "side", "unix_time", "loss", *clicks])
            writer.writerow(row)


def progress_bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"))


def keep_freed_memory() -> None:
    """Have glibc keep what large tensors free instead of handing it back: a quarter of a CPU step's time."""
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return  # not glibc
    trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD, M_MMAP_MAX of malloc.h
    libc.mallopt(trim_threshold, 2**31 - 1)
    libc.mallopt(mmap_max, 0)

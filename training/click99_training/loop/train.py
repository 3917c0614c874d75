"""`click99 train`: the run around the loop. Resumable, logged, plotted, its average saved as a checkpoint.

Under torchrun every process trains on its share of each batch; the first one logs and saves.
"""

from __future__ import annotations

import ctypes
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint
from click99.segmentation.encoders import ResNet50
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.predictor import chosen_device
from click99.segmentation.presets import NetworkConfig
from click99.segmentation.released import with_image_stream
from click99_training.datasets.crops import CropStream
from click99_training.datasets.registry import open_dataset
from click99_training.datasets.skipped import Skipped, refuse_mostly_bad
from click99_training.evaluation.curves import plot_training
from click99_training.loop.distributed import join, wait_for_all, world
from click99_training.loop.log import TrainingLog, progress_bar
from click99_training.loop.pretrained import load_imagenet
from click99_training.loop.steps import restore, save_state, steps
from click99_training.loop.trainer import Trainer
from click99_training.loop.variants import configured
from click99_training.recipes import Recipe

LOG_EVERY = 200  # images


@dataclass(frozen=True)
class Run:
    """One training run: what `click99 train` was asked for."""

    preset: str
    data: Path
    out: Path
    images: int | None = None  # crops to see; None = the recipe's epochs over the data
    seed: int = 0
    start_from: Path | None = None  # a checkpoint to go on from with fresh optimisers; None = ImageNet
    save_minutes: float = 4.0
    threads: int = 2
    rate: float = 1.0  # factor on the recipe's learning rates
    crops: str = ""  # "side:batch:share,…" instead of the recipe's
    recipe: str = ""  # its name; the preset's own if not given
    variant: str = ""  # of the ablation; the whole preset if not given
    dataset: str = "manifest"  # the layout of `data`, of training/datasets/registry.py
    device: str = "auto"


def train(run: Run) -> Path:
    """Train until as many crops were seen as asked for, resuming from run.out/last.pt where there is one.

    Returns:
        the checkpoint of the averaged weights, run.out/PRESET.safetensors.
    """
    keep_freed_memory()
    torch.set_flush_denormal(True)  # vanishing gradients made steps three times slower
    torch.set_num_threads(run.threads)
    device = join(torch.device(chosen_device(run.device)))
    network, recipe = configured(run.preset, run.recipe, run.variant)
    recipe = adjusted(recipe, run)
    stream = open_stream(run, recipe)
    run = replace(run, images=run.images or epochs_of(recipe, stream))
    run.out.mkdir(parents=True, exist_ok=True)
    write_settings(run, network, recipe)
    torch.manual_seed(run.seed)
    trainer = Trainer(initial_network(run, network), recipe, device)
    done = restore(trainer, run.out / "last.pt").get("done", 0)
    loop(run, trainer, stream, done)
    return run.out / f"{run.preset}.safetensors"


def open_stream(run: Run, recipe: Recipe) -> CropStream:
    """The crops of the run's data; what cannot be used is named in run.out/skipped.csv."""
    data = open_dataset(run.dataset, run.data, "train")
    refuse_mostly_bad(data)
    return CropStream(data, recipe, run.seed, Skipped(run.out / "skipped.csv"))


def epochs_of(recipe: Recipe, stream: CropStream) -> int:
    if not recipe.epochs:
        raise ValueError("the recipe has no number of epochs: say --images")
    return recipe.epochs * len(stream.data)


def write_settings(run: Run, network: NetworkConfig, recipe: Recipe) -> None:
    facts = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(run).items()}
    settings = {"run": facts, "recipe": asdict(recipe), "network": asdict(network)}
    (run.out / "run.json").write_text(json.dumps(settings, indent=1))


def adjusted(recipe: Recipe, run: Run) -> Recipe:
    """The recipe with the run's own rates and crops, its batches as large as all processes' together."""
    rates = {"head_rate": recipe.head_rate * run.rate, "encoder_rate": recipe.encoder_rate * run.rate}
    crops = parse_crops(run.crops) if run.crops else recipe.crops
    _, processes = world()
    return replace(recipe, crops=tuple((side, n * processes, share) for side, n, share in crops), **rates)


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


def initial_network(run: Run, config: NetworkConfig) -> TwoStreamNetwork:
    """The network of a checkpoint; another variant's gives its image stream alone, if that is a ResNet-50.

    Raises:
        ValueError: the checkpoint holds another network, or a ResNet-50 has none to start from.
    """
    if not run.start_from:
        network = TwoStreamNetwork(config)
        load_imagenet(network.encoder)
        return network
    network = load_checkpoint(run.start_from)
    if network.config == config:
        return network
    if isinstance(network.encoder, ResNet50) and config.encoder == network.config.encoder:
        return with_image_stream(network.encoder.state_dict(), config, run.seed)
    raise ValueError(
        f"{run.start_from} holds another network than {run.preset} {run.variant}: {network.config}"
    )


def loop(run: Run, trainer: Trainer, stream: CropStream, done: int) -> None:
    assert run.images
    of, first = run.images, world()[0] == 0
    saved, log = time.monotonic(), TrainingLog(run.out / "log.csv", done, LOG_EVERY)
    made = steps(trainer, stream, log, seed=run.seed, images=of, seen=done, behind=lambda seen: seen / of)
    with progress_bar(shown=first) as bar:
        task = bar.add_task("training", total=of, completed=done, note="")
        for done, note in made:
            bar.update(task, completed=done, note=note)
            if first and time.monotonic() - saved > 60 * run.save_minutes:
                save(run, trainer, done)
                saved = time.monotonic()
    if first:
        log.write()
        save(run, trainer, done)
        if stream.skipped.all():
            print(stream.skipped)
    wait_for_all()


def save(run: Run, trainer: Trainer, done: int) -> None:
    """last.pt to resume from, the averaged weights as a checkpoint, and the curves."""
    save_state({"trainer": trainer.state(), "done": done}, run.out / "last.pt")
    save_checkpoint(trainer.average, run.out / f"{run.preset}.safetensors", images=done, seed=run.seed)
    plot_training(run.out / "log.csv", run.out / "curves.png")


def keep_freed_memory() -> None:
    """Have glibc keep what large tensors free instead of handing it back: a quarter of a CPU step's time."""
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return  # not glibc
    trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD, M_MMAP_MAX of malloc.h
    libc.mallopt(trim_threshold, 2**31 - 1)
    libc.mallopt(mmap_max, 0)

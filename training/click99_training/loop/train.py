"""`click99 train`: a run from its settings to its checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from click99.segmentation.checkpoint import load_checkpoint
from click99.segmentation.device import chosen_device
from click99.segmentation.encoders import ResNet50
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import NetworkConfig
from click99.segmentation.released import with_image_stream
from click99_training.datasets.crops import CropStream
from click99_training.datasets.registry import open_dataset
from click99_training.datasets.skipped_samples import SkippedSamples, refuse_mostly_bad
from click99_training.evaluation.curves import plot_training
from click99_training.loop.average import headless
from click99_training.loop.cpu import prepare_for_training
from click99_training.loop.distributed import join, world
from click99_training.loop.pretrained import load_imagenet
from click99_training.loop.run import Run, RunConfig
from click99_training.loop.stop_request import StopRequest
from click99_training.loop.trainer import Trainer
from click99_training.loop.training_loop import RunPlan, training_loop
from click99_training.recipes import Recipe

LOG_EVERY = 200  # images


def train(run: Run) -> Path:
    """Train until as many crops were seen as asked for, resuming from run.out/last.pt where there is one.

    Returns:
        the checkpoint of the averaged weights, run.out/PRESET.safetensors.

    Raises:
        RunInterrupt: by SIGTERM or Ctrl-C; all is saved, and the same run goes on.
        ValueError: its settings or its data are no good; OSError: a file is missing, or the disk is full.
    """
    device = join(torch.device(chosen_device(run.device)))
    return train_as(RunConfig.of(run), device)


def train_as(config: RunConfig, device: torch.device) -> Path:
    """`train`, with the configuration that a run has or had."""
    run, recipe = config.run, config.recipe
    prepare_for_training(run.threads)
    stream = open_stream(run, recipe)
    run = replace(run, images=run.images or recipe.epochs * len(stream.data) or None)
    replace(config, run=run).write()
    torch.manual_seed(run.seed)
    trainer = Trainer(initial_network(run, config.network), recipe, device)
    with StopRequest() as stop:
        training_loop(plan := plan_of(run), trainer, stream, stop)
    if world()[0] == 0 and stream.skipped.all():
        print(stream.skipped)
    return plan.checkpoint


def plan_of(run: Run) -> RunPlan:
    return RunPlan(
        checkpoint=run.out / f"{run.preset}.safetensors",
        seed=run.seed,
        draw=lambda _: plot_training(run.out / "log.csv", run.out / "curves.png"),
        save_seconds=60 * run.save_minutes,
        log_every=LOG_EVERY,
        images=run.images,
        begin=run.begin,
    )


def open_stream(run: Run, recipe: Recipe) -> CropStream:
    """The crops of the run's data; what cannot be used is named in run.out/skipped.csv."""
    data = open_dataset(run.dataset, run.data, "train")
    refuse_mostly_bad(data)
    return CropStream(data, recipe, run.seed, SkippedSamples(run.out / "skipped.csv"))


def initial_network(run: Run, config: NetworkConfig) -> TwoStreamNetwork:
    """The network of a checkpoint; another variant's gives its image stream alone, if that is a ResNet-50.

    Raises:
        ValueError: the checkpoint holds another network, or a ResNet-50 has none to start from.
    """
    if (run.out / "last.pt").exists():
        return TwoStreamNetwork(config)  # it brings the weights
    if not run.start_from:
        network = TwoStreamNetwork(config)
        load_imagenet(network.encoder)
        return network
    network = load_checkpoint(run.start_from)
    if network.config == config:
        return network
    if _adds_to(headless(network.config), headless(config)):
        return with_new_head(network, config)
    if isinstance(network.encoder, ResNet50) and config.encoder == network.config.encoder:
        return with_image_stream(network.encoder.state_dict(), config, run.seed)
    raise ValueError(
        f"{run.start_from} holds another network than {run.preset} {run.variant}: {network.config}"
    )


def _adds_to(trained: NetworkConfig, config: NetworkConfig) -> bool:
    """Whether it is the same, or sees a likeness, too."""
    return config in (trained, replace(trained, likeness=True))


def with_new_head(trained: TwoStreamNetwork, config: NetworkConfig) -> TwoStreamNetwork:
    """The same streams and decoder, and what else the configuration adds: a head of its own, drawn anew, an
    input for the likeness, which begins unseen."""
    network = TwoStreamNetwork(config)
    network.load_state_dict(trained.state_dict(), strict=False)
    return network

"""`click99 cooldown`: from a run at a constant rate to a network to ship (Hägele et al. 2024).

It branches off where the run saved last, with weights, average and optimisers, and the rates fall; the run
itself can go on from before it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from click99.segmentation.device import chosen_device
from click99_training.loop.distributed import join, wait_for_all, world
from click99_training.loop.run import RunConfig
from click99_training.loop.steps import save_state
from click99_training.loop.train import train_as

SHARE = 0.1  # of the images that the run has seen


def cool_down(source: Path, out: Path, images: int | None = None) -> Path:
    """Train on from `source`, a run's folder, in `out`; a cooldown that stopped there goes on.

    Args:
        images: crops over which the rates fall; None: a tenth of those that the run has seen.

    Returns:
        the checkpoint of the averaged weights.

    Raises:
        RunInterrupt: by SIGTERM or Ctrl-C; all is saved, and the same cooldown goes on.
        ValueError: the run's rate is not constant, or another cooldown began in `out`.
        OSError: there is no such run.
    """
    device = join(torch.device(chosen_device(RunConfig.read(source).run.device)))
    if world()[0] == 0 and not (out / "last.pt").exists():
        _branch(source, out, images)
    wait_for_all()
    config = RunConfig.read(out)
    run = config.run
    if run.start_from != source / "last.pt" or (images and run.images != run.begin + images):
        begun = f"from {run.start_from} to {run.images} images"
        raise ValueError(f"{out}: another run began there, {begun}. Choose another --out")
    return train_as(config, device)


def _branch(source: Path, out: Path, images: int | None) -> None:
    """Write what a cooldown begins with: out/run.json, then out/last.pt."""
    config = RunConfig.read(source)
    if config.recipe.schedule != "constant":
        raise ValueError(f"{source}: its schedule is {config.recipe.schedule}, which cools down by itself")
    state = torch.load(last := source / "last.pt", map_location="cpu", weights_only=True)
    begin = state["done"]
    end = begin + (images or max(1, round(SHARE * begin)))
    run = replace(config.run, out=out, start_from=last, begin=begin, images=end)
    replace(config, run=run, recipe=replace(config.recipe, schedule="linear", warmup=0.0)).write()
    save_state(state, out / "last.pt")

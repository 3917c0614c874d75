"""`click99 average`: the mean of checkpoints of one network (model soups, Wortsman et al. 2022a)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint


def average(checkpoints: Sequence[Path], out: Path) -> Path:
    """Write the mean of the checkpoints' weights to `out`.

    Raises:
        ValueError: none given, or checkpoints of different networks.
    """
    networks = [load_checkpoint(path) for path in checkpoints]
    if not networks:
        raise ValueError("no checkpoints to average: give at least two")
    for path, network in zip(checkpoints, networks, strict=True):
        if network.config != networks[0].config:
            raise ValueError(f"{path} and {checkpoints[0]} hold different networks: their mean is none")
    states = [network.state_dict() for network in networks]
    mean = {name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]}
    networks[0].load_state_dict(mean)
    save_checkpoint(networks[0], out, mean_of=[path.parent.name for path in checkpoints])
    return out

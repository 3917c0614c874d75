"""`click99 average`: the mean of checkpoints of one network (model soups, Wortsman et al. 2022a)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import NetworkConfig


def average(checkpoints: Sequence[Path], out: Path) -> Path:
    """Write the mean of the checkpoints' weights to `out`; one that is given twice counts twice.

    Without a quality head, since none fits the mean of several networks: see `quality_fit.py`.

    Raises:
        ValueError: none given, or checkpoints of different networks.
    """
    networks = [load_checkpoint(path) for path in checkpoints]
    if not networks:
        raise ValueError("no checkpoints to average: give at least two")
    configs = [headless(network.config) for network in networks]
    for path, config in zip(checkpoints, configs, strict=True):
        if config != configs[0]:
            raise ValueError(f"{path} and {checkpoints[0]} hold different networks: their mean is none")
    mean = mean_of(networks, configs[0])
    save_checkpoint(mean, out, mean_of=[path.parent.name for path in checkpoints])
    return out


def mean_of(networks: Sequence[TwoStreamNetwork], config: NetworkConfig) -> TwoStreamNetwork:
    """A network of that configuration, each weight the mean of theirs."""
    mean, states = TwoStreamNetwork(config), [network.state_dict() for network in networks]
    mean.load_state_dict({name: torch.stack([s[name] for s in states]).mean(0) for name in mean.state_dict()})
    return mean.eval()


def headless(config: NetworkConfig) -> NetworkConfig:
    """The same network without a quality head, and without a view that needs one."""
    view = "zoomed" if config.view == "windows" else config.view
    return replace(config, quality=False, quality_among_looks=False, view=view)

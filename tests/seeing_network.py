"""A small network with an input for what accepted masks say, to which it makes a difference."""

from __future__ import annotations

from dataclasses import replace

import torch

from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT


def seeing_network() -> TwoStreamNetwork:
    """Random weights; without that input they are those of the tests' untrained network."""
    torch.manual_seed(0)
    plain, network = TwoStreamNetwork(COMPACT), TwoStreamNetwork(replace(COMPACT, likeness=True))
    network.load_state_dict(plain.state_dict(), strict=False)
    assert network.interaction.likeness is not None
    torch.nn.init.normal_(network.interaction.likeness.weight)
    return network

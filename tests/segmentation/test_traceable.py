from __future__ import annotations

import pytest
import torch
from torch import nn

from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT
from click99.segmentation.traceable import ChannelsLastNorm, with_channels_last_norms


@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_the_channels_last_norm_is_the_group_norm(offset: float):
    torch.manual_seed(0)
    norm = nn.GroupNorm(4, 12)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(2, 12, 20, 28) + offset
    torch.testing.assert_close(ChannelsLastNorm(norm)(x), norm(x), rtol=1e-3, atol=1e-3)


def test_all_norms_are_replaced_in_a_copy():
    network = TwoStreamNetwork(COMPACT)
    copied = with_channels_last_norms(network)
    norms = [
        type(module) for module in copied.modules() if isinstance(module, nn.GroupNorm | ChannelsLastNorm)
    ]
    assert len(norms) > 10
    assert set(norms) == {ChannelsLastNorm}
    assert any(isinstance(module, nn.GroupNorm) for module in network.modules())

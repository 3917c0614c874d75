"""bf16 where a CPU computes in it, and what stays in fp32 there."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from click99_training.loop import precision
from click99_training.loop.precision import keep_in_fp32, mixed_precision

CPU = torch.device("cpu")


@pytest.fixture(params=[True, False], ids=["bf16", "fp32"])
def able(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A CPU that computes in bf16, and one that does not."""
    monkeypatch.setattr(precision, "computes_in_bf16", lambda device: request.param)
    return request.param


def stages() -> nn.ModuleList:
    torch.manual_seed(0)
    return nn.ModuleList([nn.Conv2d(4, 8, 3), nn.Conv2d(8, 8, 3, groups=8), nn.GroupNorm(2, 8)])


def types(network: nn.ModuleList, x: torch.Tensor) -> list[torch.dtype]:
    found = []
    with mixed_precision(CPU):
        for stage in network:
            found.append((x := stage(x)).dtype)
    return found


def test_depthwise_convolutions_and_norms_stay_in_fp32(able: bool):
    network = stages()
    keep_in_fp32(network, CPU)
    first = torch.bfloat16 if able else torch.float32
    assert types(network, torch.rand(1, 4, 9, 9)) == [first, torch.float32, torch.float32]


def test_without_it_they_would_not():
    with torch.autocast("cpu", torch.bfloat16):
        assert stages()[1](torch.rand(1, 8, 9, 9)).dtype == torch.bfloat16


def test_outside_of_training_and_in_copies_nothing_changes(able: bool):
    network = stages()
    before = copy.deepcopy(network)
    keep_in_fp32(network, CPU)
    x = torch.rand(1, 4, 9, 9)
    assert torch.equal(nn.Sequential(*network)(x), nn.Sequential(*before)(x))
    assert network.state_dict().keys() == before.state_dict().keys()

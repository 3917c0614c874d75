"""One test of every network property, for every preset."""

from __future__ import annotations

import pytest
import torch

from backend.segmentation.network import TwoStreamNetwork
from backend.segmentation.presets import PRESETS


@pytest.fixture(scope="module", params=sorted(PRESETS))
def network(request: pytest.FixtureRequest) -> TwoStreamNetwork:
    torch.manual_seed(0)
    return TwoStreamNetwork(PRESETS[request.param]).eval()


def inputs(height: int, width: int, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.rand(batch, channels, height, width, generator=generator) for channels in (3, 6, 1))  # type: ignore


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 160), (32, 224)])
def test_alpha_has_the_size_of_the_image(network: TwoStreamNetwork, height: int, width: int):
    image, maps, previous = inputs(height, width, batch=2)
    with torch.no_grad():
        alpha, logits = network(network.encode(image), maps, previous)
    assert alpha.shape == logits.shape == (2, 1, height, width)
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_features_come_at_strides_2_to_32(network: TwoStreamNetwork):
    with torch.no_grad():
        features = network.encode(inputs(128, 192)[0])
    assert [tuple(skip.shape[-2:]) for skip in features.skips] == [(64, 96), (32, 48), (16, 24), (8, 12)]
    assert features.context.shape[-2:] == (4, 6)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["image", "clicks", "previous mask"])
def test_every_input_matters(network: TwoStreamNetwork, which: int):
    tensors = list(inputs(64, 64))
    with torch.no_grad():
        before = network(network.encode(tensors[0]), *tensors[1:])[1]
        tensors[which] = 1 - tensors[which]
        after = network(network.encode(tensors[0]), *tensors[1:])[1]
    assert not torch.allclose(before, after)


def test_images_of_a_batch_do_not_see_each_other(network: TwoStreamNetwork):
    image, maps, previous = inputs(64, 64, batch=2)
    with torch.no_grad():
        together = network(network.encode(image), maps, previous)[0][:1]
        alone = network(network.encode(image[:1]), maps[:1], previous[:1])[0]
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)


def test_every_parameter_learns(network: TwoStreamNetwork):
    image, maps, previous = inputs(64, 64)
    alpha, logits = network(network.encode(image), maps, previous)
    (alpha.mean() + logits.mean()).backward()
    silent = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    network.zero_grad()
    assert silent == []


def test_compact_fits_in_20_megabytes_of_fp16():
    parameters = sum(p.numel() for p in TwoStreamNetwork(PRESETS["compact"]).parameters())
    assert 2 * parameters < 20e6
    assert parameters == pytest.approx(4.4e6, rel=0.02)

"""The network's streams as OpenVINO takes them (tensors in, tensors out), and as it is fast with them."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from click99.segmentation.network import ImageFeatures, TwoStreamNetwork


class ImageStream(nn.Module):
    """`TwoStreamNetwork.encode` as OpenVINO takes it: tensors in, a tuple of tensors out."""

    def __init__(self, network: TwoStreamNetwork):
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        features = self.network.encode(image, *others)
        return features.image, *features.skips, features.context


class ClickStream(nn.Module):
    """`TwoStreamNetwork.forward`, likewise; known: the likeness, of a network that sees it, and the features:
    image, context, skips."""

    def __init__(self, network: TwoStreamNetwork):
        super().__init__()
        self.network = network

    def forward(self, click_maps: Tensor, previous: Tensor, *known: Tensor) -> tuple[Tensor, ...]:
        likeness, features = (known[0], known[1:]) if self.network.config.likeness else (None, known)
        image, context, *skips = features
        output = self.network(ImageFeatures(image, skips, context), click_maps, previous, likeness)
        return tuple(tensor for tensor in output if tensor is not None)


class ChannelsLastNorm(nn.Module):
    """A GroupNorm of steps that OpenVINO takes in the layout of its convolutions.

    Its own GroupNorm reorders every tensor before and after, which costs more than the convolutions gain. The
    groups' means are a 1×1 convolution for the same reason.
    """

    means: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, norm: nn.GroupNorm):
        super().__init__()
        size = norm.num_channels // norm.num_groups
        means = torch.block_diag(*[torch.full((size, size), 1 / size)] * norm.num_groups)
        self.register_buffer("means", means[..., None, None])
        self.register_buffer("weight", norm.weight.detach()[:, None, None])
        self.register_buffer("bias", norm.bias.detach()[:, None, None])
        self.eps = norm.eps

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.shape[2] * x.shape[3]
        mean = F.conv2d(x.mean((2, 3), keepdim=True), self.means)
        norm = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        variance = F.conv2d(norm * norm / pixels, self.means) - mean * mean
        scale = self.weight * torch.rsqrt(variance.clamp_min(0) + self.eps)
        return x * scale + (self.bias - mean * scale)


def with_channels_last_norms(network: TwoStreamNetwork) -> TwoStreamNetwork:
    """A copy of the network."""
    network = copy.deepcopy(network)
    norms = [(name, norm) for name, norm in network.named_modules() if isinstance(norm, nn.GroupNorm)]
    for name, norm in norms:
        network.set_submodule(name, ChannelsLastNorm(norm))
    return network

"""Network sizes, as plain configuration saved beside the weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that fixes the network's shape (design: "The two presets")."""

    name: str
    encoder: str
    interaction: tuple[tuple[int, int], ...]  # (channels, stride) of each 3×3 convolution
    interaction_taps: tuple[int, ...]  # which of them feed the decoder, finest first: strides 2, 4, 8, …
    pyramid_channels: int  # the coarsest image features reduced to, and again the sum of the pooled ones
    pyramid_bins: tuple[int, ...]
    decoder: tuple[tuple[int, ...], ...]  # widths of the convolutions at each scale, coarsest first
    norm_groups: int
    slope: float  # of LeakyReLU
    filter_channels: int
    filter_radius: int
    filter_eps: float


COMPACT = NetworkConfig(
    name="compact",
    encoder="efficientnet_lite0",
    interaction=((16, 1), (24, 2), (24, 1), (48, 2), (64, 2), (64, 1), (96, 2), (96, 2)),
    interaction_taps=(2, 3, 5, 6, 7),
    pyramid_channels=96,
    pyramid_bins=(1, 2, 3, 6),
    decoder=((128, 128), (128, 96), (64, 64), (48,), (32, 16), (16, 16)),
    norm_groups=8,
    slope=0.1,
    filter_channels=8,
    filter_radius=2,
    filter_eps=1e-4,
)

PRESETS = {preset.name: preset for preset in (COMPACT,)}

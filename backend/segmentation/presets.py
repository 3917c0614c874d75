"""Network sizes, as plain configuration saved beside the weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

ClickEncoding = Literal["gaussians", "distances", "disks"]


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that fixes the network's shape. Defaults are what checkpoints mean that lack the field."""

    name: str
    encoder: str
    interaction: tuple[
        tuple[int, int], ...
    ]  # (channels, stride) of each 3×3 convolution; () = no such stream
    interaction_taps: tuple[int, ...]  # which of them feed the decoder, finest first: strides 2, 4, 8, …
    pyramid_channels: int  # the coarsest image features reduced to, and again the sum of the pooled ones
    pyramid_bins: tuple[int, ...]
    decoder: tuple[tuple[int, ...], ...]  # widths of the convolutions at each scale, coarsest first
    norm_groups: int
    slope: float  # of LeakyReLU
    filter_channels: int
    filter_radius: int
    filter_eps: float
    guided_filter: bool = True
    clicks_in: Literal["interaction", "image", "both"] = "interaction"  # the streams that see the click maps
    feedback: Literal["none", "late", "early"] = "late"  # previous mask: unseen, interaction or image stream
    click_encoding: ClickEncoding = "gaussians"

    def __post_init__(self) -> None:
        if self.interaction and not self.interaction_channels:
            raise ValueError(f"{self.name}: the interaction stream sees neither clicks nor previous mask")
        if not self.interaction and self.clicks_in != "image":
            raise ValueError(f"{self.name}: clicks_in={self.clicks_in!r} needs an interaction stream")

    @property
    def click_channels(self) -> int:
        """Click maps: a sign's three Gaussians, or its one map, background first."""
        return 6 if self.click_encoding == "gaussians" else 2

    @property
    def image_channels(self) -> int:
        """Inputs of the image stream: RGB, click maps, previous mask."""
        return 3 + self.click_channels * (self.clicks_in != "interaction") + (self.feedback == "early")

    @property
    def interaction_channels(self) -> int:
        """Inputs of the interaction stream: click maps, previous mask."""
        return self.click_channels * (self.clicks_in != "image") + (self.feedback == "late")


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

VARIANTS = ("baseline", "+T", "+T+I", "+T+I+F", "+T+I+F+G")


def variant(config: NetworkConfig, name: str) -> NetworkConfig:
    """A preset without what the ablation takes away (Table 7).

    T trains click by click, on the baseline's network; I adds the interaction stream, F the previous mask,
    G the guided filter: then it is the preset whole.

    Raises:
        ValueError: no such variant.
    """
    if name not in VARIANTS:
        raise ValueError(f"variant {name!r} is unknown, there is: {', '.join(VARIANTS)}")
    if "+G" not in name:
        config = replace(config, guided_filter=False)
    if "+F" not in name:
        config = replace(config, feedback="none")
    if "+I" not in name:
        config = replace(config, clicks_in="image", interaction=(), interaction_taps=())
    return config

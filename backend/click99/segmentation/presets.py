"""Network sizes, as plain configuration saved beside the weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args, get_origin, get_type_hints

ClickEncoding = Literal["gaussians", "distances", "disks"]


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that fixes the network and how it is used; saved in the header of its checkpoints.

    Defaults are what a checkpoint means whose header lacks the field.

    Raises:
        ValueError: a choice that is unknown, or fields that contradict each other.
    """

    name: str
    encoder: Literal["efficientnet_lite0", "resnet50_gn_ws"]
    interaction: tuple[
        tuple[int, int], ...
    ]  # (channels, stride) of each 3×3 convolution; () = no such stream
    interaction_taps: tuple[int, ...]  # which of them feed the decoder, finest first: strides 2, 4, 8, …
    pyramid_channels: int  # sum of the pooled features, and what they are reduced to first
    pyramid_bins: tuple[int, ...]
    decoder: tuple[tuple[int, ...], ...]  # widths of the convolutions at each scale, coarsest first
    norm_groups: int
    slope: float  # of LeakyReLU
    filter_channels: int
    filter_radius: int  # pixels
    filter_eps: float

    # what the ablation switches
    guided_filter: bool = True
    clicks_in: Literal["interaction", "image", "both"] = "interaction"  # the streams that see the click maps
    feedback: Literal["none", "late", "early"] = "late"  # previous mask: unseen, interaction or image stream
    click_encoding: ClickEncoding = "gaussians"

    # where the paper and compact differ
    image_mean: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of RGB in 0…1, subtracted before all else
    image_deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)  # divided by before all else
    standardised: bool = False  # Weight Standardisation in every convolution that a GroupNorm follows
    interaction_norm: bool = True  # GroupNorm in the interaction stream
    pyramid_of: Literal["image", "both"] = "image"  # the streams whose coarsest features are pooled
    pyramid_reduced: bool = True  # reduced to pyramid_channels before they are pooled
    previous_at_full_size: bool = True  # the decoder's last scale sees the previous mask once more
    output: Literal["sigmoid", "clip"] = "sigmoid"
    pin_clicks: bool = (
        False  # clicked pixels become 0 or 1 before the guided filter, where the maps show them
    )
    view: Literal["windows", "zoomed", "whole"] = "zoomed"  # how the predictor looks at an image
    quality: bool = False  # whether a head predicts the answer's IoU, by which views can be chosen
    quality_among_looks: bool = False  # whether it also knows which of a click's looks it judges
    likeness: bool = False  # whether the interaction stream sees what looks like the masks accepted before

    def __post_init__(self) -> None:
        for field, hint in get_type_hints(NetworkConfig).items():
            if get_origin(hint) is Literal and getattr(self, field) not in get_args(hint):
                known = ", ".join(get_args(hint))
                raise ValueError(
                    f"{self.name}: {field} {getattr(self, field)!r} is unknown, there is: {known}"
                )
        if self.interaction and not self.interaction_channels:
            raise ValueError(f"{self.name}: the interaction stream sees neither clicks nor previous mask")
        if not self.interaction and self.clicks_in != "image":
            raise ValueError(f"{self.name}: clicks_in={self.clicks_in!r} needs an interaction stream")
        if not self.interaction and self.likeness:
            raise ValueError(f"{self.name}: likeness=True needs an interaction stream")
        if not self.interaction and self.feedback == "late" and not self.previous_at_full_size:
            raise ValueError(f"{self.name}: feedback='late' needs an interaction stream")

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

    @property
    def previous_joins(self) -> bool:
        """Whether the decoder's last scale sees the previous mask."""
        return self.previous_at_full_size and self.feedback != "none"

    @property
    def full_size_channels(self) -> int:
        """Inputs that join the decoder at its last scale: RGB, click maps, previous mask."""
        return 3 + self.click_channels + self.previous_joins


# Forte et al. 2020, Tables 4 and 5; the interaction stream's channels: docs/explanation/network.md
PAPER = NetworkConfig(
    name="paper",
    encoder="resnet50_gn_ws",
    interaction=((32, 1), (64, 2), (128, 1), (256, 2), (256, 2), (256, 1)),
    interaction_taps=(1, 3, 5),
    pyramid_channels=1024,
    pyramid_bins=(1, 2, 3, 6),
    decoder=((256, 256), (256,), (64,), (32, 16)),
    norm_groups=32,
    slope=0.01,
    filter_channels=64,
    filter_radius=2,
    filter_eps=1e-8,
    clicks_in="both",
    image_mean=(0.485, 0.456, 0.406),
    image_deviation=(0.229, 0.224, 0.225),
    standardised=True,
    interaction_norm=False,
    pyramid_of="both",
    pyramid_reduced=False,
    previous_at_full_size=False,
    output="clip",
    pin_clicks=True,
    view="whole",
)

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
    quality=True,
    view="windows",
)

PRESETS = {preset.name: preset for preset in (PAPER, COMPACT)}

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

"""The two-stream network (Forte et al. 2020, figure 2), readable top to bottom.

image ──────────► image stream ──► pyramid pooling ─┐  (once per image)
                      │ skips                       ▼
clicks + previous ► interaction stream ─ skips ─► decoder ─► alpha ─► guided filter ─► alpha
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.segmentation.encoders import EfficientNetLite0
from backend.segmentation.guided_filter import DeepGuidedFilter
from backend.segmentation.presets import NetworkConfig

ENCODERS = {"efficientnet_lite0": EfficientNetLite0}


@dataclass(frozen=True)
class ImageFeatures:
    """What the image stream knows of one batch of images; reused by every click on them."""

    image: Tensor  # [B, 3, H, W], RGB in 0…1
    skips: list[Tensor]  # finest first: strides 2, 4, 8, 16
    context: Tensor  # [B, C, H/32, W/32], after pyramid pooling


class ConvBlock(nn.Sequential):
    """3×3 convolution, GroupNorm unless `groups` is 0, LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int, slope: float):
        layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=groups == 0)]
        if groups:
            layers.append(nn.GroupNorm(groups, outputs))
        layers.append(nn.LeakyReLU(slope, inplace=True))
        super().__init__(*layers)


class InteractionStream(nn.Module):
    """Click maps and the previous mask → features at strides 2, 4, 8, 16, 32; none without convolutions."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.taps = config.interaction_taps
        self.convs = nn.ModuleList()
        inputs, full_size = config.interaction_channels, True
        for outputs, stride in config.interaction:
            full_size = full_size and stride == 1
            # At full size normalising costs more than it brings.
            groups = 0 if full_size else config.norm_groups
            self.convs.append(ConvBlock(inputs, outputs, stride, groups, config.slope))
            inputs = outputs
        self.channels = [config.interaction[k][0] for k in self.taps]

    def forward(self, interaction: Tensor) -> list[Tensor]:
        features, x = [], interaction  # x [B, 6 + 1, H, W]
        for k, conv in enumerate(self.convs):
            x = conv(x)
            if k in self.taps:
                features.append(x)
        return features


class PyramidPooling(nn.Module):
    """Context at several bin sizes beside the coarsest features, which a 1×1 convolution thins first."""

    def __init__(self, inputs: int, config: NetworkConfig):
        super().__init__()
        channels, self.bins = config.pyramid_channels, config.pyramid_bins
        self.reduce = nn.Conv2d(inputs, channels, 1)
        self.pooled = nn.ModuleList(nn.Conv2d(channels, channels // len(self.bins), 1) for _ in self.bins)
        self.slope = config.slope
        self.channels = channels + channels // len(self.bins) * len(self.bins)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.reduce(x), self.slope)
        levels = [x]
        for size, conv in zip(self.bins, self.pooled, strict=True):
            pooled = F.leaky_relu(conv(F.adaptive_avg_pool2d(x, size)), self.slope)
            levels.append(F.interpolate(pooled, x.shape[-2:], mode="bilinear", align_corners=False))
        return torch.cat(levels, 1)


class Decoder(nn.Module):
    """From the coarsest scale to full size, both streams' skips joining at every scale (Table 5)."""

    def __init__(self, config: NetworkConfig, context: int, skips: list[int]):
        super().__init__()
        self.stages = nn.ModuleList()
        inputs = context
        for k, widths in enumerate(config.decoder):
            full_size = k == len(config.decoder) - 1
            stage = nn.Sequential()
            for outputs in widths:
                stage.append(
                    ConvBlock(inputs, outputs, 1, 0 if full_size else config.norm_groups, config.slope)
                )
                inputs = outputs
            self.stages.append(stage)
            inputs += skips[k] if not full_size else 0
        self.head = nn.Conv2d(inputs, 1, 1)

    def forward(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        for k, stage in enumerate(self.stages):
            x = stage(x)
            if k < len(skips):
                x = F.interpolate(x, skips[k].shape[-2:], mode="bilinear", align_corners=False)
                x = torch.cat((x, skips[k]), 1)
        return self.head(x)  # [B, 1, H, W]


class TwoStreamNetwork(nn.Module):
    """Image, clicks and previous mask → alpha. Heights and widths are multiples of 32."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.encoder = ENCODERS[config.encoder](config.image_channels)
        self.interaction = InteractionStream(config)
        self.pyramid = PyramidPooling(self.encoder.channels[-1], config)
        *skips, coarsest = map(
            sum, zip_longest(self.encoder.channels, self.interaction.channels, fillvalue=0)
        )
        context = self.pyramid.channels + coarsest - self.encoder.channels[-1]
        full_size = 3 + config.click_channels + (config.feedback != "none")
        self.decoder = Decoder(config, context, [*skips[::-1], full_size])
        self.filter = (
            DeepGuidedFilter(config.filter_channels, config.filter_radius, config.filter_eps)
            if config.guided_filter
            else None
        )

    @property
    def image_only(self) -> bool:
        """Whether the image stream sees nothing but the image, so that every click can reuse its features."""
        return self.config.image_channels == 3

    def encode(
        self, image: Tensor, click_maps: Tensor | None = None, previous: Tensor | None = None
    ) -> ImageFeatures:
        """The image stream: once per image where it is `image_only`, else once per click.

        Args:
            image: RGB [B, 3, H, W] in 0…1.
            click_maps, previous: as in `forward`; needed unless `image_only`.
        """
        others = []
        if self.config.clicks_in != "interaction":
            others.append(_given(click_maps, "click maps"))
        if self.config.feedback == "early":
            others.append(_given(previous, "the previous mask"))
        *skips, coarsest = self.encoder(image, *others)
        return ImageFeatures(image, skips, self.pyramid(coarsest))

    def forward(self, features: ImageFeatures, click_maps: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        """One click.

        Args:
            features: of the image, from `encode`.
            click_maps: [B, 6, H, W] (2 unless they are Gaussians), background maps before foreground maps.
            previous: the alpha before this click, [B, 1, H, W], zeros before the first.

        Returns:
            alpha [B, 1, H, W] in 0…1 after the guided filter, and the logits [B, 1, H, W] before it.
        """
        x, skips = features.context, features.skips
        if self.config.interaction:
            *click_skips, coarsest = self.interaction(_join(self._interaction_inputs(click_maps, previous)))
            x = torch.cat((x, coarsest), 1)
            skips = [torch.cat(pair, 1) for pair in zip(skips, click_skips, strict=True)]
        full_size = [features.image, click_maps, *([previous] if self.config.feedback != "none" else [])]
        logits = self.decoder(x, [*skips[::-1], _join(full_size)])
        alpha = torch.sigmoid(logits)
        if self.filter is not None:
            finest = click_maps[:, (0, click_maps.shape[1] // 2)]  # background's and foreground's
            alpha = self.filter(features.image, finest, alpha)
        return alpha.clamp(0, 1), logits

    def _interaction_inputs(self, click_maps: Tensor, previous: Tensor) -> list[Tensor]:
        seen = [click_maps] if self.config.clicks_in != "image" else []
        return [*seen, previous] if self.config.feedback == "late" else seen


def _join(tensors: list[Tensor]) -> Tensor:
    """Channels side by side, in the layout in which convolutions are fastest."""
    return torch.cat(tensors, 1).contiguous(memory_format=torch.channels_last)


def _given(tensor: Tensor | None, name: str) -> Tensor:
    if tensor is None:
        raise ValueError(f"this network's image stream sees {name}: give them to encode() at every click")
    return tensor

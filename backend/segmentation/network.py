"""The two-stream network (Forte et al. 2020, figure 2), readable top to bottom.

image ──────────► image stream ──► pyramid pooling ─┐  (once per image)
                      │ skips                       ▼
clicks + previous ► interaction stream ─ skips ─► decoder ─► alpha ─► guided filter ─► alpha
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.segmentation.encoders import EfficientNetLite0
from backend.segmentation.guided_filter import DeepGuidedFilter
from backend.segmentation.presets import NetworkConfig

ENCODERS = {"efficientnet_lite0": EfficientNetLite0}
FINEST_MAPS = (0, 3)  # the narrowest background and foreground Gaussians among the six click maps


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
    """Six click maps and the previous mask → features at strides 2, 4, 8, 16, 32 (section 3.2)."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.taps = config.interaction_taps
        self.convs = nn.ModuleList()
        inputs, full_size = 7, True
        for outputs, stride in config.interaction:
            full_size = full_size and stride == 1
            # At full size normalising costs more than it brings.
            groups = 0 if full_size else config.norm_groups
            self.convs.append(ConvBlock(inputs, outputs, stride, groups, config.slope))
            inputs = outputs
        self.channels = [config.interaction[k][0] for k in self.taps]

    def forward(self, interaction: Tensor) -> list[Tensor]:
        features, x = [], interaction  # x [B, 7, H, W]
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
        self.encoder = ENCODERS[config.encoder]()
        self.interaction = InteractionStream(config)
        self.pyramid = PyramidPooling(self.encoder.channels[-1], config)
        *image_skips, _ = self.encoder.channels
        *click_skips, coarsest = self.interaction.channels
        skips = [a + b for a, b in zip(image_skips, click_skips, strict=True)][::-1]
        self.decoder = Decoder(config, self.pyramid.channels + coarsest, [*skips, 3 + 6 + 1])
        self.filter = DeepGuidedFilter(config.filter_channels, config.filter_radius, config.filter_eps)

    def encode(self, image: Tensor) -> ImageFeatures:
        """The image stream, once per image: RGB [B, 3, H, W] in 0…1."""
        *skips, coarsest = self.encoder(image)
        return ImageFeatures(image, skips, self.pyramid(coarsest))

    def forward(self, features: ImageFeatures, click_maps: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        """One click.

        Args:
            features: of the image, from `encode`.
            click_maps: [B, 6, H, W], background maps before foreground maps.
            previous: the alpha before this click, [B, 1, H, W], zeros before the first.

        Returns:
            alpha [B, 1, H, W] in 0…1 after the guided filter, and the logits [B, 1, H, W] before it.
        """
        interaction = torch.cat((click_maps, previous), 1).contiguous(memory_format=torch.channels_last)
        *click_skips, coarsest = self.interaction(interaction)
        skips = [torch.cat(pair, 1) for pair in zip(features.skips, click_skips, strict=True)][::-1]
        skips.append(torch.cat((features.image, interaction), 1))
        logits = self.decoder(torch.cat((features.context, coarsest), 1), skips)
        alpha = self.filter(features.image, click_maps[:, FINEST_MAPS], torch.sigmoid(logits))
        return alpha.clamp(0, 1), logits

"""The two-stream network (Forte et al. 2020, figure 2), readable top to bottom.

image (+ clicks) ──► image stream ───────┬─► pyramid pooling
                         │ skips         │          ▼
clicks + previous ──► interaction stream ┴ skips ► decoder ─► alpha ─► guided filter ─► alpha

Both presets are this file; `NetworkConfig` says where they differ. `paper` shows the clicks to both streams
and pools both; `compact` shows the image stream the image alone, so that its features serve every click.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from click99.segmentation.encoders import EfficientNetLite0, ResNet50, StandardisedConv
from click99.segmentation.guided_filter import DeepGuidedFilter
from click99.segmentation.presets import NetworkConfig

ENCODERS = {"efficientnet_lite0": EfficientNetLite0, "resnet50_gn_ws": ResNet50}
AT_CLICK = {"gaussians": 1, "distances": 0}  # the finest map's value there and nowhere else; disks hide it


@dataclass(frozen=True)
class ImageFeatures:
    """What the image stream knows of one batch of images; reused by every click where it is `image_only`."""

    image: Tensor  # [B, 3, H, W], normalised
    skips: list[Tensor]  # finest first: strides 2, 4, …
    context: Tensor  # [B, C, H/s, W/s] at the coarsest stride s, pooled already if pyramid_of is "image"

    @property
    def evidence(self) -> Tensor:
        """What tells kinds of things apart: the skips of strides 8 and 16 together, [B, C, H/8, W/8]."""
        _, _, fine, coarse = self.skips[:4]
        return torch.cat((fine, upsample(coarse, fine)), 1)


class NetworkOutput(NamedTuple):
    """What one click makes of a batch."""

    alpha: Tensor  # [B, 1, H, W] in 0…1, after the guided filter
    logits: Tensor  # [B, 1, H, W], the decoder's output before sigmoid or clipping
    summary: Tensor | None  # of the mask [B, D], by which a quality head judges it


class ConvBlock(nn.Sequential):
    """k×k convolution, GroupNorm if `normed`, LeakyReLU."""

    def __init__(
        self,
        config: NetworkConfig,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        normed: bool = True,
    ):
        conv = StandardisedConv if normed and config.standardised else nn.Conv2d
        bias = config.standardised or not normed  # needless before GroupNorm; the released weights have it
        layers: list[nn.Module] = [conv(inputs, outputs, kernel, stride, kernel // 2, bias=bias)]
        if normed:
            layers.append(nn.GroupNorm(config.norm_groups, outputs))
        layers.append(nn.LeakyReLU(config.slope, inplace=True))
        super().__init__(*layers)

    def forward(self, input: Tensor, beside: Tensor | None = None) -> Tensor:
        """beside: added to what the convolution makes of the input."""
        convolution, *others = self
        x = convolution(input)
        if beside is not None:
            x = x + beside
        for layer in others:
            x = layer(x)
        return x


class InteractionStream(nn.Module):
    """Click maps and the previous mask → features at strides 2, 4, 8, … (Table 4).

    The likeness joins at the first convolution by one of its own, which begins at zero: a network that has
    learnt nothing of it answers, bit for bit, as one that lacks it. Unknown is 0, and without a bias the same
    as none.
    """

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.taps = config.interaction_taps
        self.convs = nn.ModuleList()
        inputs, full_size = config.interaction_channels, True
        for outputs, stride in config.interaction:
            full_size = full_size and stride == 1
            # At full size normalising costs more than it brings.
            normed = config.interaction_norm and not full_size
            self.convs.append(ConvBlock(config, inputs, outputs, stride=stride, normed=normed))
            inputs = outputs
        self.channels = [config.interaction[k][0] for k in self.taps]
        self.likeness = None
        if config.likeness:
            channels, stride = config.interaction[0]
            self.likeness = nn.Conv2d(1, channels, 3, stride, 1, bias=False)
            nn.init.zeros_(self.likeness.weight)

    def forward(self, interaction: Tensor, likeness: Tensor | None = None) -> list[Tensor]:
        features, x = [], interaction  # x [B, 6 + 1, H, W]
        seen = self.likeness(likeness) if self.likeness and likeness is not None else None
        for k, conv in enumerate(self.convs):
            x = conv(x) if k else conv(x, seen)
            if k in self.taps:
                features.append(x)
        return features


class PointConv(nn.Conv2d):
    """1×1 convolution, LeakyReLU."""

    def __init__(self, config: NetworkConfig, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 1)
        self.slope = config.slope

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(super().forward(input), self.slope)


class PyramidPooling(nn.Module):
    """Context at several bin sizes beside the features themselves (Zhao et al. 2017), maybe thinned."""

    def __init__(self, config: NetworkConfig, inputs: int):
        super().__init__()
        channels, self.bins = config.pyramid_channels, config.pyramid_bins
        width = channels // len(self.bins)
        if config.pyramid_reduced:
            self.reduce = PointConv(config, inputs, channels)
            self.pooled = nn.ModuleList(PointConv(config, channels, width) for _ in self.bins)
            self.channels = channels + channels
        else:
            self.reduce = nn.Identity()
            self.pooled = nn.ModuleList(ConvBlock(config, inputs, width, kernel=1) for _ in self.bins)
            self.channels = inputs + channels

    def forward(self, x: Tensor) -> Tensor:
        levels = [self.reduce(x)]
        for size, conv in zip(self.bins, self.pooled, strict=True):
            levels.append(upsample(conv(F.adaptive_avg_pool2d(levels[0], size)), levels[0]))
        return torch.cat(levels, 1)


class Decoder(nn.Module):
    """From the coarsest scale to full size, both streams' skips joining at every scale (Table 5)."""

    def __init__(self, config: NetworkConfig, context: int, skips: list[int]):
        super().__init__()
        self.stages, self.middle = nn.ModuleList(), len(config.decoder) // 2
        inputs = context
        for k, widths in enumerate(config.decoder):
            full_size = k == len(config.decoder) - 1
            stage = nn.Sequential()
            for outputs in widths:
                stage.append(ConvBlock(config, inputs, outputs, normed=not full_size))
                inputs = outputs
            self.stages.append(stage)
            inputs += skips[k] if not full_size else 0
        self.head = nn.Conv2d(inputs, 1, 1)
        if config.output == "clip":  # what begins outside 0…1 is clipped away and never learns
            nn.init.constant_(self.head.bias, 0.5)  # pyright: ignore

    def forward(self, x: Tensor, skips: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits [B, 1, H, W], and the features of the scale in the middle [B, C, h, w]."""
        middle = x
        for k, stage in enumerate(self.stages):
            x = stage(x)
            if k == self.middle:
                middle = x
            if k < len(skips):
                x = torch.cat((upsample(x, skips[k]), skips[k]), 1)
        return self.head(x), middle


class MaskSummary(nn.Module):
    """The decoder's features inside a mask, along its edge and everywhere, and how the mask lies."""

    MEANS = 3  # of the features

    def forward(self, features: Tensor, alpha: Tensor) -> Tensor:
        """features [B, C, h, w], alpha [B, 1, H, W] → [B, 3 · C + 6]."""
        small = F.adaptive_avg_pool2d(alpha, (features.shape[-2], features.shape[-1]))
        weights = torch.cat((small, 4 * small * (1 - small), torch.ones_like(small)), 1).flatten(2)
        weights = weights / weights.sum(2, keepdim=True).clamp_min(1e-3)
        means = torch.einsum("bchw,bkhw->bkc", features, weights.unflatten(2, small.shape[-2:]))
        return torch.cat((means.flatten(1), _lie(alpha)), 1)


def _lie(alpha: Tensor) -> Tensor:
    """How a mask lies in its view: size, certainty, and how much of the view's sides it covers: [B, 6]."""
    area, inside = alpha.mean((1, 2, 3)), alpha.square().mean((1, 2, 3))
    sides = torch.stack([side.mean((1, 2)) for side in (alpha[..., 0, :], alpha[..., -1, :])], 1)
    ends = torch.stack([side.mean((1, 2)) for side in (alpha[..., 0], alpha[..., -1])], 1)
    covered = torch.cat((sides, ends), 1)
    size, certain = (area + 1e-4).log(), inside / (area + 1e-4)
    return torch.stack((area, size, certain, covered.mean(1), covered.amax(1), covered.amin(1)), 1)


class QualityHead(nn.Module):
    """What IoU the mask will have with the whole object, of which parts may lie outside the view.

    It is what chooses between looks at the same click (Kirillov et al. 2023 choose between SAM's masks so).
    `layers` judge an answer by itself and are trained with it. `among`, fitted afterwards, corrects them by
    what the click's first look saw, and by which look it is.
    """

    HIDDEN = 64  # channels between two layers
    PLACE = 3  # numbers that say which look it is: see `place_among`

    def __init__(self, config: NetworkConfig, channels: int):
        super().__init__()
        self.summary, seen = MaskSummary(), MaskSummary.MEANS * channels + 6
        self.layers = self._judge(config, seen)
        self.among = self._judge(config, 2 * seen + self.PLACE) if config.quality_among_looks else None

    def _judge(self, config: NetworkConfig, inputs: int) -> nn.Sequential:
        hidden = nn.Linear(inputs, self.HIDDEN), nn.LeakyReLU(config.slope)
        return nn.Sequential(*hidden, nn.Linear(self.HIDDEN, 1))

    def forward(self, summary: Tensor) -> Tensor:
        """An answer by itself: its mask's summary [..., D] → logit of the IoU [...]."""
        return self.layers(summary)[..., 0]

    def of_look(self, summary: Tensor, first: Tensor, place: Tensor) -> Tensor:
        """One of a click's looks: its summary and the first look's [..., D], place [..., 3] → logit [...]."""
        alone = self(summary)
        if self.among is None:
            return alone
        return alone + self.among(torch.cat((summary, first, place), -1))[..., 0]


def place_among(number: int, side: int, first: int) -> tuple[float, float, float]:
    """Which of a click's looks it is: its number from 0, up to 5; whether it is the first; the log of its
    long side over the first one's, both in image pixels."""
    return min(number, 5.0), float(number == 0), math.log(side / first)


class TwoStreamNetwork(nn.Module):
    """Image, clicks and previous mask → alpha. Heights and widths are multiples of 32."""

    engine = "eager"  # what computes it: see engine.py
    mean: Tensor
    deviation: Tensor

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.tensor(config.image_mean).view(3, 1, 1), persistent=False)
        self.register_buffer(
            "deviation", torch.tensor(config.image_deviation).view(3, 1, 1), persistent=False
        )
        self.encoder = ENCODERS[config.encoder](config.image_channels)
        self.interaction = InteractionStream(config)
        *skips, both = map(sum, zip_longest(self.encoder.channels, self.interaction.channels, fillvalue=0))
        seen = both if config.pyramid_of == "both" else self.encoder.channels[-1]
        self.pyramid = PyramidPooling(config, seen)
        context = self.pyramid.channels + both - seen
        self.decoder = Decoder(config, context, [*skips[::-1], config.full_size_channels])
        guided = DeepGuidedFilter(config.filter_channels, config.filter_radius, config.filter_eps)
        self.filter = guided if config.guided_filter else None
        middle = config.decoder[self.decoder.middle][-1]
        self.quality = QualityHead(config, middle) if config.quality else None

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
        image = (image - self.mean) / self.deviation
        others = []
        if self.config.clicks_in != "interaction":
            others.append(_given(click_maps, "click maps"))
        if self.config.feedback == "early":
            others.append(_given(previous, "the previous mask"))
        *skips, x = self.encoder(image, *others)
        if self.config.pyramid_of == "image":
            x = self.pyramid(x)
        return ImageFeatures(image, skips, x)

    def forward(
        self,
        features: ImageFeatures,
        click_maps: Tensor,
        previous: Tensor,
        likeness: Tensor | None = None,
    ) -> NetworkOutput:
        """One click.

        Args:
            features: of the image, from `encode`.
            click_maps: [B, 6, H, W] (2 unless they are Gaussians), background maps before foreground maps.
            previous: the alpha before this click, [B, 1, H, W], zeros before the first.
            likeness: how much each place looks like the masks that were accepted before, [B, 1, H, W] in
                −1…1, 0: unknown; None: everywhere. A network without that input leaves it out.
        """
        x, skips = features.context, features.skips
        if self.config.interaction:
            seen = _join(self._interaction_inputs(click_maps, previous))
            *click_skips, coarsest = self.interaction(seen, likeness)
            x = torch.cat((x, coarsest), 1)
            skips = [torch.cat(pair, 1) for pair in zip(skips, click_skips, strict=True)]
        if self.config.pyramid_of == "both":
            x = self.pyramid(x)
        full_size = [features.image, click_maps]
        if self.config.previous_joins:
            full_size.append(previous)
        logits, middle = self.decoder(x, [*skips[::-1], _join(full_size)])
        alpha = self._finish(features.image, click_maps, logits)
        summary = self.quality.summary(middle.float(), alpha.detach().float()) if self.quality else None
        return NetworkOutput(alpha, logits, summary)

    def _finish(self, image: Tensor, click_maps: Tensor, logits: Tensor) -> Tensor:
        """Logits → alpha, obeying the clicks and following the image's edges."""
        finest = click_maps[:, (0, click_maps.shape[1] // 2)]  # background's and foreground's
        alpha = torch.sigmoid(logits) if self.config.output == "sigmoid" else logits.clamp(0, 1)
        if self.config.pin_clicks and self.config.click_encoding in AT_CLICK:
            clicked = finest == AT_CLICK[self.config.click_encoding]
            alpha = alpha.masked_fill(clicked[:, :1], 0).masked_fill(clicked[:, 1:], 1)
        if self.filter is not None:
            alpha = self.filter(image, finest, alpha).clamp(0, 1)
        return alpha

    def _interaction_inputs(self, click_maps: Tensor, previous: Tensor) -> list[Tensor]:
        seen = [click_maps] if self.config.clicks_in != "image" else []
        return [*seen, previous] if self.config.feedback == "late" else seen


def upsample(x: Tensor, like: Tensor) -> Tensor:
    """Bilinearly to the height and width of `like`."""
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)


def _join(tensors: list[Tensor]) -> Tensor:
    """Channels side by side, in the layout in which convolutions are fastest."""
    return torch.cat(tensors, 1).contiguous(memory_format=torch.channels_last)


def _given(tensor: Tensor | None, name: str) -> Tensor:
    if tensor is None:
        raise ValueError(f"this network's image stream sees {name}: give them to encode() at every click")
    return tensor

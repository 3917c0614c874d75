"""Image streams: what the network sees of the picture, finest scale first, each half the size of the last."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RESNET50_BLOCKS = (3, 4, 6, 3)
GROUPS = 32  # of the ResNet's GroupNorm

# EfficientNet-Lite0 (Tan & Le 2019, the TPU "lite" variant): expansion, kernel, stride, channels, repeats
LITE0_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
LITE0_TAPS = (0, 1, 2, 4, 6)  # the stages whose outputs are the features at strides 2, 4, 8, 16, 32


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding for even sizes: a stride of 2 pads one pixel more behind.

    Its bias takes in the batch normalisation that followed it, frozen and folded into the weights.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        padding = (kernel - 1) // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups)
        self.before, self.behind = (kernel - 2) // 2, (kernel - 1) // 2

    def forward(self, input: Tensor) -> Tensor:
        if self.stride[0] > 1:
            input = F.pad(input, (self.before, self.behind, self.before, self.behind))
        return super().forward(input)


class InvertedResidual(nn.Module):
    """Expand 1×1, depthwise k×k, project 1×1; ReLU6 after the first two; identity where the shape allows."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = inputs * expansion
        self.expand = SameConv(inputs, hidden, 1) if expansion > 1 else None
        self.depthwise = SameConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = SameConv(hidden, outputs, 1)
        self.identity = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu6(self.expand(x)) if self.expand else x
        out = self.project(F.relu6(self.depthwise(hidden)))
        return x + out if self.identity else out


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 without its classifier: 3.4 M parameters, batch normalisation folded away."""

    channels = (16, 24, 40, 112, 320)

    def __init__(self, inputs: int):
        super().__init__()
        self.stem = SameConv(inputs, 32, 3, stride=2)
        self.stages = nn.ModuleList()
        inputs = 32
        for expansion, kernel, stride, outputs, repeats in LITE0_STAGES:
            blocks = nn.Sequential()
            for k in range(repeats):
                blocks.append(InvertedResidual(inputs, outputs, kernel, stride if k == 0 else 1, expansion))
                inputs = outputs
            self.stages.append(blocks)

    def forward(self, image: Tensor, *others: Tensor) -> list[Tensor]:
        """RGB in 0…1, then other inputs: [B, C, H, W] → features at strides 2, 4, 8, 16, 32.

        H and W are multiples of 32.
        """
        x = torch.cat(((image * 255 - 127) / 128, *others), 1).contiguous(memory_format=torch.channels_last)
        x = F.relu6(self.stem(x))  # [B, 32, H/2, W/2]
        features = []
        for k, stage in enumerate(self.stages):
            x = stage(x)
            if k in LITE0_TAPS:
                features.append(x)
        return features


class StandardisedConv(nn.Conv2d):
    """Convolution whose kernels are brought to zero mean and unit deviation (Qiao et al. 2019)."""

    def forward(self, input: Tensor) -> Tensor:
        variance, mean = torch.var_mean(self.weight, dim=(1, 2, 3), keepdim=True)
        deviation = torch.sqrt(variance + 1e-12) + 1e-5  # the root alone has no gradient at zero
        return self._conv_forward(input, (self.weight - mean) / deviation, self.bias)


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1, each standardised and normalised, around a shortcut (He et al. 2016)."""

    def __init__(self, inputs: int, width: int, stride: int, dilation: int, downsample: bool):
        super().__init__()
        outputs = 4 * width
        self.conv1 = StandardisedConv(inputs, width, 1, bias=False)
        self.bn1 = nn.GroupNorm(GROUPS, width)
        self.conv2 = StandardisedConv(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.GroupNorm(GROUPS, width)
        self.conv3 = StandardisedConv(width, outputs, 1, bias=False)
        self.bn3 = nn.GroupNorm(GROUPS, outputs)
        self.downsample = nn.Sequential()
        if downsample:
            self.downsample.append(StandardisedConv(inputs, outputs, 1, stride, bias=False))
            self.downsample.append(nn.GroupNorm(GROUPS, outputs))

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return F.relu(out + self.downsample(x))


class ResNet50(nn.Module):
    """ResNet-50 with GroupNorm and Weight Standardisation, without its classifier: 23.5 M parameters.

    layer3 and layer4 are dilated by 2 and 4 instead of strided, so the coarsest stride is 8 (Forte et al.,
    section 3.3). Names are those of the released ImageNet weights, in which bn is a GroupNorm.
    """

    channels = (64, 256, 2048)

    def __init__(self, inputs: int):
        super().__init__()
        self.conv1 = StandardisedConv(inputs, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.GroupNorm(GROUPS, 64)
        self.layer1 = _layer(64, 64, RESNET50_BLOCKS[0])
        self.layer2 = _layer(256, 128, RESNET50_BLOCKS[1], stride=2)
        self.layer3 = _layer(512, 256, RESNET50_BLOCKS[2], dilation=2)
        self.layer4 = _layer(1024, 512, RESNET50_BLOCKS[3], dilation=4)
        with torch.no_grad():
            self.conv1.weight[:, 3:] = 0  # what is not the image starts unseen

    def forward(self, image: Tensor, *others: Tensor) -> list[Tensor]:
        """Normalised RGB, then other inputs: [B, C, H, W] → features at strides 2, 4, 8.

        H and W are multiples of 8.
        """
        x = torch.cat((image, *others), 1).contiguous(memory_format=torch.channels_last)
        stem = F.relu(self.bn1(self.conv1(x)))  # [B, 64, H/2, W/2]
        fine = self.layer1(F.max_pool2d(stem, 3, 2, 1))  # [B, 256, H/4, W/4]
        coarse = self.layer4(self.layer3(self.layer2(fine)))  # [B, 2048, H/8, W/8]
        return [stem, fine, coarse]


def _layer(inputs: int, width: int, blocks: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Bottlenecks; the first has the stride, or half the dilation that replaces it."""
    first = Bottleneck(inputs, width, stride, max(1, dilation // 2), downsample=True)
    others = (Bottleneck(4 * width, width, 1, dilation, downsample=False) for _ in range(blocks - 1))
    return nn.Sequential(first, *others)

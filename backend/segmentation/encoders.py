"""Image streams: what the network sees of the picture, at strides 2, 4, 8, 16 and 32."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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

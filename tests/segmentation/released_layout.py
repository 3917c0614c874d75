"""The authors' released layout and computation, written again from their description, with functions alone.

What the imported network is compared with. `draw` makes weights in that layout.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Weights = dict[str, Tensor]
Site = tuple[int, int, bool]  # x, y, positive

BLOCKS, WIDTHS = (3, 4, 6, 3), (64, 128, 256, 512)
INTERACTION = ((7, 32, 1), (32, 64, 2), (64, 128, 1), (128, 256, 2), (256, 256, 2), (256, 256, 1))


def resnet_shapes(inputs: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the WeightStandardization release's ResNet-50, without its classifier."""
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, inputs, 7, 7)}
    shapes |= _norm("bn1", 64)
    before = 64
    for layer, (blocks, width) in enumerate(zip(BLOCKS, WIDTHS, strict=True), 1):
        for block in range(blocks):
            at = f"layer{layer}.{block}"
            for k, (fan_in, fan_out, size) in enumerate(
                ((before, width, 1), (width, width, 3), (width, 4 * width, 1)), 1
            ):
                shapes[f"{at}.conv{k}.weight"] = (fan_out, fan_in, size, size)
                shapes |= _norm(f"{at}.bn{k}", fan_out)
            if block == 0:
                shapes[f"{at}.downsample.0.weight"] = (4 * width, before, 1, 1)
                shapes |= _norm(f"{at}.downsample.1", 4 * width)
            before = 4 * width
    return shapes


def released_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the released network of Forte et al. 2020."""
    shapes = {f"encoder.{name}": shape for name, shape in resnet_shapes(9).items()}
    for k, (fan_in, fan_out, _) in enumerate(INTERACTION, 1):
        shapes |= _conv(f"decoder.usr_encoder.conv{k}", fan_in, fan_out, 3)
    for k in range(4):
        shapes |= _conv(f"decoder.ppm.{k}.1", 2304, 256, 1) | _norm(f"decoder.ppm.{k}.2", 256)
    for at, fan_in, fan_out in (("1.0", 3328, 256), ("1.3", 256, 256), ("2.0", 768, 256), ("3.0", 384, 64)):
        stage, place = at.split(".")
        shapes |= _conv(f"decoder.conv_up{at}", fan_in, fan_out, 3)
        shapes |= _norm(f"decoder.conv_up{stage}.{int(place) + 1}", fan_out)
    shapes |= _conv("decoder.conv_up4.0", 73, 32, 3) | _conv("decoder.conv_up4.2", 32, 16, 3)
    shapes |= _conv("decoder.conv_up4.4", 16, 1, 1)
    return shapes | _conv("decoder.guided_map_conv1", 5, 64, 1) | _conv("decoder.guided_map_conv2", 64, 1, 1)


def _conv(name: str, fan_in: int, fan_out: int, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (fan_out, fan_in, size, size), f"{name}.bias": (fan_out,)}


def _norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


def draw(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> Weights:
    """Random weights at which the network answers with all of 0…1."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=generator)
        if len(shape) == 4:
            weights[name] = noise * (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
        else:
            weights[name] = 0.1 * noise + (1.0 if name.endswith("weight") else 0.0)
    if "decoder.conv_up4.4.bias" in weights:
        weights["decoder.conv_up4.4.bias"] += 1.2  # brings the mean to about a half
    return weights


def forward(weights: Weights, image: Tensor, sites: Tensor, previous: Tensor) -> Tensor:
    """alpha [1, 1, H, W] of RGB [1, 3, H, W] in 0…1, clicked pixels [1, 2, H, W] (bg, fg), [1, 1, H, W]."""
    mean, deviation = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    image, maps = (image - mean) / deviation, gaussians(sites)
    stem, fine, coarse = resnet(weights, torch.cat((image, maps), 1))
    x, taps = torch.cat((maps, previous), 1), []
    for k, (_, _, stride) in enumerate(INTERACTION, 1):
        x = F.leaky_relu(conv(weights, f"decoder.usr_encoder.conv{k}", x, stride=stride))
        taps.append(x)
    x = torch.cat((coarse, taps[5]), 1)
    levels = [x]
    for k, bins in enumerate((1, 2, 3, 6)):
        at = f"decoder.ppm.{k}"
        level = block(weights, f"{at}.1", f"{at}.2", F.adaptive_avg_pool2d(x, bins))
        levels.append(F.interpolate(level, x.shape[-2:], mode="bilinear", align_corners=False))
    x = block(weights, "decoder.conv_up1.0", "decoder.conv_up1.1", torch.cat(levels, 1))
    x = twice(block(weights, "decoder.conv_up1.3", "decoder.conv_up1.4", x))
    x = twice(block(weights, "decoder.conv_up2.0", "decoder.conv_up2.1", torch.cat((x, fine, taps[3]), 1)))
    x = twice(block(weights, "decoder.conv_up3.0", "decoder.conv_up3.1", torch.cat((x, stem, taps[1]), 1)))
    x = F.leaky_relu(conv(weights, "decoder.conv_up4.0", torch.cat((x, image, maps), 1)))
    x = conv(weights, "decoder.conv_up4.4", F.leaky_relu(conv(weights, "decoder.conv_up4.2", x)))
    alpha = torch.where(sites[:, 1:] == 1, 1, torch.where(sites[:, :1] == 1, 0, x.clamp(0, 1)))
    seen = torch.cat((image, maps[:, 0:1], maps[:, 3:4]), 1)
    guide = F.relu(conv(weights, "decoder.guided_map_conv1", seen))
    return filtered(conv(weights, "decoder.guided_map_conv2", guide), alpha).clamp(0, 1)


def resnet(weights: Weights, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    stem = F.relu(
        norm(weights, "encoder.bn1", standardised(weights, "encoder.conv1", x, stride=2, padding=3))
    )
    x = F.max_pool2d(stem, 3, 2, 1)
    kept = []
    for layer, blocks in enumerate(BLOCKS, 1):
        for k in range(blocks):
            stride = 2 if (layer, k) == (2, 0) else 1
            dilation = {3: 2, 4: 4}.get(layer, 1) // (2 if k == 0 and layer > 2 else 1)
            x = bottleneck(weights, f"encoder.layer{layer}.{k}", x, stride, dilation)
        kept.append(x)
    return stem, kept[0], kept[3]


def bottleneck(weights: Weights, at: str, x: Tensor, stride: int, dilation: int) -> Tensor:
    y = F.relu(norm(weights, f"{at}.bn1", standardised(weights, f"{at}.conv1", x)))
    y = standardised(weights, f"{at}.conv2", y, stride=stride, padding=dilation, dilation=dilation)
    y = F.relu(norm(weights, f"{at}.bn2", y))
    y = norm(weights, f"{at}.bn3", standardised(weights, f"{at}.conv3", y))
    if f"{at}.downsample.0.weight" in weights:
        x = norm(weights, f"{at}.downsample.1", standardised(weights, f"{at}.downsample.0", x, stride=stride))
    return F.relu(x + y)


def standardised(weights: Weights, at: str, x: Tensor, **options: int) -> Tensor:
    kernels = weights[f"{at}.weight"]
    flat = kernels.flatten(1)
    flat = (flat - flat.mean(1, keepdim=True)) / (flat.std(1, keepdim=True) + 1e-5)
    return F.conv2d(x, flat.view_as(kernels), weights.get(f"{at}.bias"), **options)  # type: ignore[arg-type]


def conv(weights: Weights, at: str, x: Tensor, stride: int = 1) -> Tensor:
    kernels = weights[f"{at}.weight"]
    return F.conv2d(x, kernels, weights[f"{at}.bias"], stride=stride, padding=kernels.shape[-1] // 2)


def norm(weights: Weights, at: str, x: Tensor) -> Tensor:
    return F.group_norm(x, 32, weights[f"{at}.weight"], weights[f"{at}.bias"])


def block(weights: Weights, at: str, norm_at: str, x: Tensor) -> Tensor:
    padding = weights[f"{at}.weight"].shape[-1] // 2
    return F.leaky_relu(norm(weights, norm_at, standardised(weights, at, x, padding=padding)))


def twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def gaussians(sites: Tensor) -> Tensor:
    """By OpenCV's exact distance transform, as theirs."""
    maps = []
    for sign in sites[0].numpy():
        distance = cv2.distanceTransform((sign != 1).astype(np.uint8), cv2.DIST_L2, 0).astype(np.float64)
        for scale in (0.02, 0.08, 0.16):
            gaussian = np.exp(-(distance**2) / (2 * (scale * 352) ** 2))
            maps.append(gaussian if sign.any() else np.zeros_like(gaussian))
    return torch.from_numpy(np.stack(maps))[None].to(sites.dtype)


def filtered(guide: Tensor, alpha: Tensor) -> Tensor:
    """He et al. 2013 by OpenCV's box filter in float64: radius 2, eps 1e-8."""
    g, a = (x[0, 0].numpy().astype(np.float64) for x in (guide, alpha))

    def mean(x: np.ndarray) -> np.ndarray:
        total, count = (
            cv2.boxFilter(y, -1, (5, 5), normalize=False, borderType=cv2.BORDER_CONSTANT)
            for y in (x, np.ones_like(x))
        )
        return total / count

    slope = (mean(g * a) - mean(g) * mean(a)) / (mean(g * g) - mean(g) ** 2 + 1e-8)
    return torch.from_numpy(mean(slope) * g + mean(mean(a) - slope * mean(g)))[None, None].to(alpha.dtype)


def refine(weights: Weights, image: np.ndarray, clicks: list[Site], previous: np.ndarray) -> np.ndarray:
    """One click by their inference code: image uint8 [H, W, 3], previous [H, W] → alpha [H, W]."""
    height, width = previous.shape
    sites = np.zeros((height, width, 2))
    for x, y, positive in clicks:
        sites[y, x, int(positive)] = 1
    size = tuple(32 * int(np.ceil(side / 32)) for side in (width, height))
    tensors = (
        cv2.resize(image / 255.0, size, interpolation=cv2.INTER_LANCZOS4),
        cv2.resize(sites, size, interpolation=cv2.INTER_NEAREST),
        cv2.resize(cleaned(previous, sites), size, interpolation=cv2.INTER_LANCZOS4)[..., None],
    )
    alpha = forward(weights, *(torch.from_numpy(x).permute(2, 0, 1)[None].float() for x in tensors))
    alpha = cv2.resize(alpha[0, 0].numpy(), (width, height), interpolation=cv2.INTER_LINEAR)
    alpha[sites[..., 0] == 1], alpha[sites[..., 1] == 1] = 0, 1
    return cleaned(alpha, sites)


def cleaned(alpha: np.ndarray, sites: np.ndarray) -> np.ndarray:
    if not sites[..., 1].any():
        return alpha
    _, parts = cv2.connectedComponents((alpha > 0.5).astype(np.uint8))
    asked = {part for part in parts[sites[..., 1] == 1] if part}
    return np.where(np.isin(parts, list(asked)), alpha, 0).astype(alpha.dtype)

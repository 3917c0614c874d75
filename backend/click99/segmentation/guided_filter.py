"""The deep guided filter (He et al. 2013; Wu et al. 2018; Forte et al. 2020, section 3.3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def box_mean(x: Tensor, radius: int) -> Tensor:
    """Mean over a (2·radius + 1)² window, over what lies inside the image at its sides: [B, C, H, W]."""
    return F.avg_pool2d(x, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False)


def guided_filter(guide: Tensor, alpha: Tensor, radius: int, eps: float) -> Tensor:
    """Alpha as a locally linear function of the guide: edges of alpha snap to edges of the guide.

    Args:
        guide, alpha: [B, 1, H, W].
        radius: half the window's side, in pixels.
        eps: regulariser; larger keeps alpha smoother where the guide is flat.

    Returns:
        [B, 1, H, W], at least float32: variances vanish in half precision.
    """
    precision = torch.promote_types(guide.dtype, torch.float32)
    guide, alpha = guide[:, 0].to(precision), alpha[:, 0].to(precision)
    moments = box_mean(torch.stack((guide, alpha, guide * alpha, guide * guide), 1), radius)
    mean_guide, mean_alpha, mean_product, mean_square = moments.unbind(1)
    slope = (mean_product - mean_guide * mean_alpha) / ((mean_square - mean_guide**2).clamp_min(0) + eps)
    offset = mean_alpha - slope * mean_guide
    slope, offset = box_mean(torch.stack((slope, offset), 1), radius).unbind(1)
    return (slope * guide + offset)[:, None]


class DeepGuidedFilter(nn.Module):
    """Guided filter whose guide is learned from the image and the finest click maps (5 channels)."""

    def __init__(self, hidden: int, radius: int, eps: float):
        super().__init__()
        self.radius, self.eps = radius, eps
        self.guide = nn.Sequential(nn.Conv2d(5, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, 1, 1))

    def forward(self, image: Tensor, finest_maps: Tensor, alpha: Tensor) -> Tensor:
        """image [B, 3, H, W], finest_maps [B, 2, H, W], alpha [B, 1, H, W] → alpha, not clipped."""
        seen = torch.cat((image, finest_maps), 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cuda", enabled=False):  # bf16's 8 bits would be a guide of steps
            return guided_filter(self.guide(seen.float()), alpha, self.radius, self.eps)

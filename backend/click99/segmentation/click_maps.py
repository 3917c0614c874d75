"""Clicks as maps, which is how the network sees them (Forte et al. 2020, section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from click99.segmentation.presets import ClickEncoding

GAUSSIAN_LENGTH = 352  # L: the unit of the three scales, in network pixels
GAUSSIAN_SCALES = (0.02, 0.08, 0.16)  # s: standard deviation = s·L, so 7, 28 and 56 px
FAINTEST = -20.0  # exponent below which a Gaussian is level: 2e-9, where its tail would be denormal and slow

FARTHEST = 255  # pixels: distance maps are level beyond (Xu et al. 2016)
DISK_RADIUS = 5  # pixels (Benenson et al. 2019)

SIGNS = (False, True)  # in the order of their maps
NOWHERE = (torch.inf, torch.inf)

PlacedClick = tuple[float, float, bool]  # x, y in network pixels, positive


def click_maps(
    clicks: Sequence[Sequence[PlacedClick]],
    height: int,
    width: int,
    encoding: ClickEncoding = "gaussians",
    device: torch.device | None = None,
) -> Tensor:
    """Click maps, the background's before the foreground's, of the distance d to the sign's nearest click.

    gaussians: three a sign, exp(−d² / 2(sL)²), finest first; zero without a click.
    distances: one a sign, min(d, 255) / 255; one without a click.
    disks: one a sign, 1 where d ≤ 5; zero without a click.

    Args:
        clicks: of each image, in the pixels of the map; fractions allowed.

    Returns:
        float32 [B, 6 or 2, height, width], values 0…1, on the device.
    """
    signs = [[[(x, y) for x, y, positive in each if positive is sign] for each in clicks] for sign in SIGNS]
    squared = [nearest_squared_distance(points, height, width, device) for points in signs]
    return torch.cat([ENCODINGS[encoding](each) for each in squared], 1)


def gaussians(squared: Tensor) -> Tensor:
    """Squared distances [B, H, W] → Gaussians at three scales [B, 3, H, W]."""
    factors = [-0.5 / (scale * GAUSSIAN_LENGTH) ** 2 for scale in GAUSSIAN_SCALES]
    maps = torch.stack([squared * factor for factor in factors], 1).clamp_(min=FAINTEST).exp_()
    return maps.masked_fill_(squared[:, None, :1, :1].isinf(), 0)


def distances(squared: Tensor) -> Tensor:
    """Squared distances [B, H, W] → distances in units of 255 px, at most 1: [B, 1, H, W]."""
    return (squared.sqrt() / FARTHEST).clamp_(max=1)[:, None]


def disks(squared: Tensor) -> Tensor:
    """Squared distances [B, H, W] → 1 within 5 px, else 0: [B, 1, H, W]."""
    return (squared <= DISK_RADIUS**2).float()[:, None]


ENCODINGS: dict[ClickEncoding, Callable[[Tensor], Tensor]] = {
    "gaussians": gaussians,
    "distances": distances,
    "disks": disks,
}


def nearest_squared_distance(
    points: Sequence[Sequence[tuple[float, float]]],
    height: int,
    width: int,
    device: torch.device | None = None,
) -> Tensor:
    """Squared distance in pixels to each image's nearest point (x, y): [B, height, width], inf without."""
    most = max(map(len, points), default=0)
    padded = [[*each, *[NOWHERE] * (most - len(each))] for each in points]
    places = torch.tensor(padded, dtype=torch.float32, device=device).view(len(points), most, 2)
    across = (torch.arange(width, device=device) - places[..., :1]).square_()  # [B, K, W]
    down = (torch.arange(height, device=device) - places[..., 1:]).square_()  # [B, K, H]
    nearest = torch.full((len(points), height, width), torch.inf, device=device)
    for k in range(most):
        torch.minimum(nearest, down[:, k, :, None] + across[:, k, None], out=nearest)
    return nearest

"""What a click's prediction is judged by. All take alpha or logits and truth as [B, 1, H, W]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from click99.segmentation.clicks import Click

FOCUS = 2.0  # γ of the focal loss


def soft_iou_loss(alpha: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """1 − Σαα̂ / Σmax(α, α̂) over the valid pixels of each image, then the mean (Forte et al., equation 2)."""
    both = (alpha * truth * valid).flatten(1).sum(1)
    either = (torch.maximum(alpha, truth) * valid).flatten(1).sum(1)
    return (1 - both / either.clamp_min(1)).mean()


def tanimoto_loss(alpha: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """1 − Σαα̂ / (Σα² + Σα̂² − Σαα̂) over the valid pixels of each image, then the mean (Tanimoto 1958).

    Of binary masks it is the IoU, too. Where the truth lies between 0 and 1, as a teacher's answer does,
    it is least at α = α̂ and flat there, while soft IoU goes on to make a doubtful answer a certain one.
    """
    both = (alpha * truth * valid).flatten(1).sum(1)
    squares = ((alpha.square() + truth.square()) * valid).flatten(1).sum(1)
    return (1 - both / (squares - both).clamp_min(1)).mean()


def bce_loss(alpha: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy over the valid pixels of each image, then the mean (the paper compares)."""
    entropy = F.binary_cross_entropy(alpha.float().clamp(1e-6, 1 - 1e-6), truth, reduction="none")
    return ((entropy * valid).flatten(1).sum(1) / valid.flatten(1).sum(1).clamp_min(1)).mean()


def click_location_loss(alpha: Tensor, clicks: Sequence[Sequence[Click]]) -> Tensor:
    """Σ over an image's clicks of (α_c − α̂_c)², mean over images (equation 3)."""
    where = [(k, click.y, click.x, float(click.positive)) for k, each in enumerate(clicks) for click in each]
    image, y, x, sign = (torch.tensor(column, device=alpha.device) for column in zip(*where, strict=True))
    return (alpha[image, 0, y, x] - sign).square().sum() / len(clicks)


def normalized_focal_loss(logits: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """Focal loss whose pixel weights (1 − p)^γ sum to the number of valid pixels (Sofiiuk et al. 2019)."""
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    focus = (1 - torch.exp(-entropy)).pow(FOCUS) * valid
    pixels = valid.flatten(1).sum(1).clamp_min(1)
    scale = pixels / focus.flatten(1).sum(1).clamp_min(1e-6)
    return ((focus * entropy).flatten(1).sum(1) * scale.detach() / pixels).mean()


MASK_LOSSES = {"soft_iou": soft_iou_loss, "tanimoto": tanimoto_loss, "bce": bce_loss}

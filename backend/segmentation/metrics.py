"""How good masks and clicks are (Forte et al. 2020, section 5).

Masks are bool [H, W]; void pixels never count.
"""

from __future__ import annotations

import numpy as np


def iou(prediction: np.ndarray, truth: np.ndarray, void: np.ndarray | None = None) -> float:
    """Intersection over union, 0…1; 1 where both are empty."""
    valid = np.ones_like(truth) if void is None else ~void
    either = ((prediction | truth) & valid).sum()
    return float((prediction & truth & valid).sum() / either) if either else 1.0


def noc(ious: np.ndarray, threshold: float) -> np.ndarray:
    """Number of clicks to reach an IoU: [N, K] IoUs after clicks 1…K → [N], K where it is never reached."""
    reached = ious >= threshold
    return np.where(reached.any(1), reached.argmax(1) + 1, ious.shape[1])


def auc(ious: np.ndarray) -> float:
    """Area under the mean IoU over clicks 1…K, normalised to 0…1: [N, K] → float."""
    mean = ious.mean(0)
    return float(np.trapezoid(mean) / (len(mean) - 1)) if len(mean) > 1 else float(mean[0])


def corrective_accuracy(region: np.ndarray, prediction: np.ndarray, truth: np.ndarray) -> float:
    """Share of the wrong region that the click fell into which is right after the click, 0…1."""
    return float((prediction == truth)[region].mean())


def share_above(ious: np.ndarray, threshold: float) -> np.ndarray:
    """Share of images above an IoU after each click: [N, K] → [K]."""
    return (ious > threshold).mean(0)

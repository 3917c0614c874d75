"""How good masks and clicks are (Forte et al. 2020, section 5, unless another source is given).

Masks are bool [H, W]; void pixels never count.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from click99.segmentation.clicks import DISC, Click, disc_offsets

BOUNDARY = 0.02  # width of the boundary over the image's diagonal (Cheng et al. 2021)
DRAWS = 2000  # of a bootstrap


def iou(prediction: np.ndarray, truth: np.ndarray, void: np.ndarray | None = None) -> float:
    """Intersection over union, 0…1; 1 where both are empty."""
    valid = np.ones_like(truth) if void is None else ~void
    either = ((prediction | truth) & valid).sum()
    return float((prediction & truth & valid).sum() / either) if either else 1.0


def boundary_iou(prediction: np.ndarray, truth: np.ndarray, void: np.ndarray | None = None) -> float:
    """IoU of the two masks' inner boundaries (Cheng et al. 2021, equation 3), 0…1; 1 where both are empty."""
    return iou(boundary(prediction), boundary(truth), void)


def boundary(mask: np.ndarray) -> np.ndarray:
    """A mask's pixels within 2 % of the image's diagonal of its border or the image's sides."""
    width = max(1, round(BOUNDARY * float(np.hypot(*mask.shape))))
    kernel = np.ones((3, 3), np.uint8)
    inner = cv2.erode(
        mask.astype(np.uint8), kernel, iterations=width, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return mask & (inner == 0)


def noc(ious: np.ndarray, threshold: float) -> np.ndarray:
    """Number of clicks to reach an IoU: [N, K] IoUs after clicks 1…K → [N], K where it is never reached."""
    reached = ious >= threshold
    return np.where(reached.any(1), reached.argmax(1) + 1, ious.shape[1])


def auc(ious: np.ndarray) -> np.ndarray:
    """Area under each image's IoU over clicks 1…K, normalised to 0…1: [N, K] → [N]."""
    return np.trapezoid(ious, axis=1) / (ious.shape[1] - 1) if ious.shape[1] > 1 else ious[:, 0]


def bootstrap_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of the mean over images drawn again with replacement: [N] → (low, high).

    The AuC of a data set is the mean of its images' AuCs, so this gives its interval too. Draws are seeded.
    """
    picks = np.random.default_rng(0).integers(len(values), size=(DRAWS, len(values)))
    low, high = np.quantile(values[picks].mean(1), [0.025, 0.975])
    return float(low), float(high)


def corrective_accuracy(region: np.ndarray, prediction: np.ndarray, truth: np.ndarray) -> float:
    """Share of the wrong region that the click fell into which is right after the click, 0…1."""
    return float((prediction == truth)[region].mean())


def share_above(ious: np.ndarray, threshold: float) -> np.ndarray:
    """Share of images above an IoU after each click: [N, K] → [K]."""
    return (ious > threshold).mean(0)


def harm(
    previous: np.ndarray, prediction: np.ndarray, truth: np.ndarray, void: np.ndarray | None = None
) -> float:
    """Share of the pixels that were right before a click which are wrong after it, 0…1."""
    right = previous == truth if void is None else (previous == truth) & ~void
    return float((right & (prediction != truth)).sum() / max(1, right.sum()))


def obedience(prediction: np.ndarray, clicks: Sequence[Click], radius: float = DISC) -> float:
    """Share of the pixels within `radius` of a click that have its sign, 0…1; radius 0 = the clicked pixels.

    Where discs of opposite signs overlap only the clicked pixels themselves count.
    """
    places = np.array([(click.x, click.y) for click in clicks])
    signs = np.array([click.positive for click in clicks])
    pixels = _disc_pixels(places, radius, prediction.shape)
    squared = ((pixels[:, None] - places) ** 2).sum(2)  # [pixels, clicks]
    clicked = squared.min(1) == 0
    reached = (squared == 0) | (~clicked[:, None] & (squared <= radius**2))
    positive, negative = (reached & signs).any(1), (reached & ~signs).any(1)
    decided = positive != negative
    x, y = pixels[decided].T
    return float((prediction[y, x] == positive[decided]).mean()) if decided.any() else 1.0


def _disc_pixels(places: np.ndarray, radius: float, shape: tuple[int, ...]) -> np.ndarray:
    """(x, y) of all pixels of the image within a radius of any of the places, each once: int [N, 2]."""
    offsets = np.array(disc_offsets(radius))
    pixels = np.unique((places[:, None] + offsets).reshape(-1, 2), axis=0)
    return pixels[((pixels >= 0) & (pixels < np.array(shape)[::-1])).all(1)]

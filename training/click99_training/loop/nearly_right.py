"""Where an image's clicks begin: from nothing, or from a mask that is nearly right already.

Four clicks from nothing seldom reach the small errors of the tenth click; these starts show them. They err in
several ways, since a network that knows one way undoes it without being asked, and draws masks that are right
anew (docs/experiments/starts.md).
"""

from __future__ import annotations

import cv2
import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.robot import depth

CELLS = (7, 57)  # along a side of a coarse mask
BITES = (0.03, 0.3)  # radius, in sides of the object


def nearly_right(truth: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[Click]]:
    """A soft mask with errors that are small beside the object, and clicks that could have led there.

    Args:
        truth: bool [H, W].

    Returns:
        alpha float32 [H, W], and at most six clicks that the mask obeys, the first one in the object.
    """
    err = (_wobbly, _wobbly, _coarse, _bitten)[rng.integers(4)]
    alpha = err(truth, rng)
    if not (alpha > 0.5)[truth].any():  # a line that no cell holds: nothing of it would be nearly right
        alpha = _soft(_inside_by(truth), rng)
    right = (alpha > 0.5) == truth
    clicks = [click for click in (_inside(truth & right, True, rng),) if click]
    for _ in range(rng.integers(0, 6)):
        positive = bool(rng.random() < 0.5)
        click = _inside((truth if positive else ~truth) & right, positive, rng)
        clicks += [click] if click else []
    return alpha.astype(np.float32), clicks


def _wobbly(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Right but for some of its border, which wobbles."""
    reach = np.exp(rng.uniform(np.log(1.5), np.log(0.12 * min(truth.shape))))
    wobble = smooth_noise(truth.shape, rng) * reach
    where = smooth_noise(truth.shape, rng) > rng.uniform(-1, 1)  # elsewhere the border is right
    return _soft(_inside_by(truth) + wobble * where, rng)


def _coarse(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Its box in few cells, as detectors predict."""
    left, top, width, height = cv2.boundingRect(truth.view(np.uint8))
    part = truth[top : top + height, left : left + width].astype(np.float32)
    alpha = np.zeros(truth.shape, np.float32)
    if part.size:
        cells = [min(size, int(rng.integers(*CELLS))) for size in (width, height)]
        few = cv2.resize(part, cells, interpolation=cv2.INTER_AREA)
        shown = cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR)
        alpha[top : top + height, left : left + width] = shown
    return alpha


def _bitten(truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Right but for one to three round parts, too much or too little."""
    *_, width, height = cv2.boundingRect(truth.view(np.uint8))
    rows, columns = np.nonzero(truth)
    mask = truth.astype(np.uint8)
    for _ in range(rng.integers(1, 4) if len(rows) else 0):
        at, reach = rng.integers(len(rows)), np.exp(rng.uniform(*np.log(BITES))) * min(width, height)
        disc = (int(columns[at]), int(rows[at])), max(1, round(reach))
        cv2.circle(mask, *disc, int(rng.random() < 0.5), cv2.FILLED)
    return _soft(_inside_by(mask > 0), rng)


def _inside_by(mask: np.ndarray) -> np.ndarray:
    """bool [H, W] -> pixels from the border, negative outside."""
    return depth(mask) - depth(~mask)


def _soft(inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """inside: pixels from the border, negative outside -> alpha float [H, W]."""
    return (1 + np.tanh(inside / rng.uniform(0.8, 3.0))) / 2


def smooth_noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Noise of unit deviation whose blobs are between 1/3 and 1/24 of the image: float32 [H, W]."""
    cells = int(rng.integers(3, 25))
    noise = rng.standard_normal((cells, cells)).astype(np.float32)
    return cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _inside(region: np.ndarray, positive: bool, rng: np.random.Generator) -> Click | None:
    """A click somewhere in the region, rather in its depth than at its border."""
    ys, xs = np.nonzero(region)
    if not len(ys):
        return None
    few = rng.integers(len(ys), size=8)
    inside = depth(region)[ys[few], xs[few]]
    k = few[int(inside.argmax())]
    return Click(int(xs[k]), int(ys[k]), positive)

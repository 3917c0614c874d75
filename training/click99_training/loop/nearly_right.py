"""Where an image's clicks begin: from nothing, or from a mask that is nearly right already.

Four clicks from nothing seldom reach the small errors of the tenth click; these starts show them.
"""

from __future__ import annotations

import cv2
import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.robot import depth


def nearly_right(truth: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, list[Click]]:
    """A soft mask with small errors along the truth's border, and clicks that could have led there.

    Args:
        truth: bool [H, W].

    Returns:
        alpha float32 [H, W], and one to six clicks that the mask obeys.
    """
    distance = depth(truth) - depth(~truth)  # signed: positive inside
    reach = np.exp(rng.uniform(np.log(1.5), np.log(0.12 * min(truth.shape))))
    wobble = _smooth_noise(truth.shape, rng) * reach
    where = _smooth_noise(truth.shape, rng) > rng.uniform(-1, 1)  # elsewhere the border is right
    alpha = 1 / (1 + np.exp(-(distance + wobble * where) / rng.uniform(0.4, 1.5)))
    right = (alpha > 0.5) == truth
    clicks = [click for click in (_inside(truth & right, True, rng),) if click]
    for _ in range(rng.integers(0, 6)):
        positive = bool(rng.random() < 0.5)
        click = _inside((truth if positive else ~truth) & right, positive, rng)
        clicks += [click] if click else []
    return alpha.astype(np.float32), clicks


def _smooth_noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
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

"""What is known of an object before its first click: from others of its kind, or a box around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.discriminant import Discriminant

SPREAD = 0.5  # of log areas, at least: objects of a kind differ by two thirds of their area as a rule
WEIGHT = 0.05  # IoU that one such spread costs
REACH = 0.1  # of the image's long side, around a click that repairs a mask which a map began


@dataclass(frozen=True)
class Prior:
    """areas: of objects like the one that is looked for, in image pixels; none: nothing is known.
    discriminant: tells pixels of such objects from others; its map is then the first click's previous mask,
    and later clicks repair what is near.
    """

    areas: tuple[int, ...] = ()
    discriminant: Discriminant | None = None

    def surprise(self, area: float) -> float:
        """How much less IoU is expected of a mask of `area` pixels than of one of the usual size."""
        if not self.areas:
            return 0.0
        logs = np.log(self.areas)
        spread = np.hypot(SPREAD, logs.std())
        return float(WEIGHT * ((np.log(area + 1) - logs.mean()) / spread) ** 2)


def repaired(alpha: np.ndarray, previous: np.ndarray, click: Click) -> np.ndarray:
    """What a click may change of a mask that a map began: near it, and only towards its sign.

    Such a mask has parts all over the picture, which the network would not know from the clicks alone and
    drops again. alpha, previous: float32 [H, W], after the click and before.
    """
    reach = REACH * max(alpha.shape)
    rows, columns = np.ogrid[: alpha.shape[0], : alpha.shape[1]]
    near = (rows - click.y) ** 2 + (columns - click.x) ** 2 <= reach**2
    towards = np.maximum(alpha, previous) if click.positive else np.minimum(alpha, previous)
    return np.where(near, towards, previous)


UNKNOWN = Prior()

"""A stand-in for the network whose masks have crumbs."""

from __future__ import annotations

import numpy as np

from click99.segmentation.prior import UNKNOWN
from tests.disc_painter import DiscPainter

ISLAND, HOLE = np.s_[2:4, 2:4], np.s_[18:20, 28:30]


class CrumbPainter(DiscPainter):
    """Each of its masks has an island and a hole, and it notes what it saw of the island before."""

    def __init__(self) -> None:
        super().__init__()
        self.saw: list[float] = []

    def refine(self, image, clicks, previous, image_key, prior=UNKNOWN):
        alpha = super().refine(image, clicks, previous, image_key, prior)
        self.saw.append(0.0 if previous is None else float(previous[ISLAND].max()))
        alpha[ISLAND], alpha[HOLE] = 1, 0
        return alpha

"""What is known of an object's size before its first click: from others of its kind, or a box around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SPREAD = 0.5  # of log areas, at least: objects of a kind differ by two thirds of their area as a rule
WEIGHT = 0.05  # IoU that one such spread costs


@dataclass(frozen=True)
class Sizes:
    """areas: of objects like the one that is looked for, in image pixels; none: nothing is known."""

    areas: tuple[int, ...] = ()

    def surprise(self, area: float) -> float:
        """How much less IoU is expected of a mask of `area` pixels than of one of the usual size."""
        if not self.areas:
            return 0.0
        logs = np.log(self.areas)
        spread = np.hypot(SPREAD, logs.std())
        return float(WEIGHT * ((np.log(area + 1) - logs.mean()) / spread) ** 2)


UNKNOWN = Sizes()

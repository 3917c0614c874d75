"""What a network gains on images, and whether that is sure.

The figure is bounded: the mean IoU over the first CLICKS clicks, of all masks of an image together. Clicks to
90 % IoU jump by ten on one pixel, and decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np

CLICKS = 5  # that count: what people mostly give an object
LEAST = 0.02  # IoU: less is no use, and is where chance and skew deceive (docs/explanation/learning.md)
FEWEST = 6  # images: with fewer, nothing but a huge gain is ever sure


@dataclass(frozen=True)
class Gain:
    """mean: of the IoU, over so many images; sure: it is more than that, by `level` (one-sided). needed:
    about how many images would make it sure, None: none."""

    images: int
    mean: float
    sure: float
    needed: int | None
    level: float = 0.95

    @property
    def promises(self) -> bool:
        """Whether it is of use, if it is true."""
        return self.mean >= LEAST

    @property
    def convinces(self) -> bool:
        """Whether it is of use, and surely above nothing."""
        return self.promises and self.sure > 0 and self.images >= FEWEST

    def __str__(self) -> str:
        sure = f"above {self.sure:+.3f} by {100 * self.level:.4g} %"
        return f"{self.mean:+.3f} IoU over the first {CLICKS} clicks ({sure})"


def gain(differences: np.ndarray, level: float = 0.95) -> Gain:
    """A paired t-test over images. differences: of the figure, after - before, one an image: [N]."""
    images, mean = len(differences), float(differences.mean())
    if images < 2:
        return Gain(images, round(mean, 4), -1.0, None, level)
    quantile, deviation = t_quantile(level, images - 1), float(differences.std(ddof=1))
    sure = mean - quantile * deviation / sqrt(images)
    needed = ceil((quantile * deviation / mean) ** 2) + 1 if mean > 0 else None
    return Gain(images, round(mean, 4), round(sure, 4), needed, level)


def by_image(ious: np.ndarray, images: Sequence[str]) -> np.ndarray:
    """The figure of each image, in the order of their names: [N, K] IoUs of N masks → [images]."""
    names, place = np.unique(list(images), return_inverse=True)
    sums = np.bincount(place, ious[:, :CLICKS].mean(1), len(names))
    return sums / np.bincount(place, minlength=len(names))


def t_quantile(level: float, freedom: int) -> float:
    """Of the t-distribution: the 95 % quantile to 0.001 from five degrees of freedom on, higher ones from
    some twenty on (Abramowitz and Stegun 1964, 26.7.5)."""
    z = NormalDist().inv_cdf(level)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom**k for k, term in enumerate(terms, 1))

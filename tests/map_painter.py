"""A stand-in for the network that answers a first click by the map where it is given one, and pictures of one
kind that it is right for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.prior import UNKNOWN, Prior
from tests.disc_painter import DiscPainter

HEIGHT, WIDTH, CELL = 48, 64, 8


class MapPainter(DiscPainter):
    """Its first mask is where the map says so; without one a disc."""

    def evidence(self, image: np.ndarray, image_key: str) -> np.ndarray | None:
        return image[::CELL, ::CELL].transpose(2, 0, 1).astype(np.float32) / 255

    def refine(
        self,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        image_key: str,
        prior: Prior = UNKNOWN,
    ) -> np.ndarray:
        alpha = super().refine(image, clicks, previous, image_key, prior)
        if previous is not None or prior.discriminant is None:
            return alpha
        small = prior.discriminant.map(image[::CELL, ::CELL].transpose(2, 0, 1).astype(np.float32) / 255)
        return np.kron(small > 0.5, np.ones((CELL, CELL))).astype(np.float32)


def roads(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of red stripes on noise, uint8 RGB [48, 64, 3], and their mask: no disc has their shape."""
    rng = np.random.default_rng(seed)
    small = np.zeros((HEIGHT // CELL, WIDTH // CELL), bool)
    small[rng.integers(0, 3)] = small[:, rng.integers(0, 8)] = small[4] = True
    image = rng.integers(0, 100, (HEIGHT, WIDTH, 3), np.uint8)
    mask = np.kron(small, np.ones((CELL, CELL), bool)) > 0
    image[mask, 0] += 150
    return image, mask

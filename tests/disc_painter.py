"""A stand-in for the network where its quality does not matter: every click paints a disc, instantly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.sizes import UNKNOWN, Sizes


class DiscPainter:
    """`Predictor`'s interface. Old paint fades, so a mask depends on every click and their order."""

    radius = 12
    device = "cpu"

    def __init__(self, version: str = "discs-1"):
        self.version = version
        self.steps: list[tuple[Click, ...]] = []  # the clicks of every step that was run
        self.sizes: list[Sizes] = []  # what each step knew of them
        self.prepared: list[str] = []
        self.paints_everything = self.forgets_everything = False  # a network that changes its mind anywhere

    def for_image(self, image: np.ndarray, image_key: str) -> DiscPainter:
        return self

    def prepare(self, image: np.ndarray, image_key: str) -> None:
        self.prepared.append(image_key)

    def refine(
        self,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        image_key: str,
        sizes: Sizes = UNKNOWN,
    ) -> np.ndarray:
        self.steps.append(tuple(clicks))
        self.sizes.append(sizes)
        height, width = image.shape[:2]
        alpha = np.zeros((height, width), np.float32) if previous is None else previous * np.float32(0.97)
        if self.paints_everything or self.forgets_everything:
            alpha[:] = self.paints_everything
        rows, columns = np.ogrid[:height, :width]
        last = clicks[-1]
        alpha[(rows - last.y) ** 2 + (columns - last.x) ** 2 < self.radius**2] = last.positive
        return np.rint(alpha * 255).astype(np.float32) / 255

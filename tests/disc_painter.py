"""A stand-in for the network where its quality does not matter: every click paints a disc, instantly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.predictor import Estimate
from click99.segmentation.prior import UNKNOWN, Prior


class DiscPainter:
    """`Predictor`'s interface. Old paint fades, so a mask depends on every click and their order."""

    radius = 12
    device = "cpu"
    engine = "eager"

    def __init__(self, version: str = "discs-1"):
        self.version = version
        self.steps: list[tuple[Click, ...]] = []  # the clicks of every step that was run
        self.priors: list[Prior] = []  # what each step knew of its object
        self.prepared: list[str] = []
        self.paints_everything = self.forgets_everything = False  # a network that changes its mind anywhere

    def learnt_from(self, project: str) -> bool:
        return False

    def for_image(self, image: np.ndarray, image_key: str, project: str = "") -> DiscPainter:
        return self

    def prepare(self, image: np.ndarray, image_key: str) -> None:
        self.prepared.append(image_key)

    def evidence(self, image: np.ndarray, image_key: str) -> np.ndarray | None:
        """Its channels are the image's own, at an eighth of its size."""
        return image[::8, ::8].transpose(2, 0, 1).astype(np.float32)

    def judged(
        self,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        image_key: str,
        prior: Prior = UNKNOWN,
    ) -> Estimate:
        alpha = self.refine(image, clicks, previous, image_key, prior)
        return Estimate(alpha, float(alpha.max()))

    def refine(
        self,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        image_key: str,
        prior: Prior = UNKNOWN,
    ) -> np.ndarray:
        if not image_key.startswith("readiness"):  # a server's own click, at its start
            self.steps.append(tuple(clicks))
            self.priors.append(prior)
        height, width = image.shape[:2]
        alpha = np.zeros((height, width), np.float32) if previous is None else previous * np.float32(0.97)
        if self.paints_everything or self.forgets_everything:
            alpha[:] = self.paints_everything
        rows, columns = np.ogrid[:height, :width]
        last = clicks[-1]
        alpha[(rows - last.y) ** 2 + (columns - last.x) ** 2 < self.radius**2] = last.positive
        return np.rint(alpha * 255).astype(np.float32) / 255


class GrowingPainter(DiscPainter):
    """Its discs grow from click to click, so that a click counted twice or left out is seen."""

    def refine(self, image, clicks, previous, image_key, prior=UNKNOWN):
        self.radius = 5 + 3 * len(clicks)
        return super().refine(image, clicks, previous, image_key, prior)

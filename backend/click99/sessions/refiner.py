"""What sessions need of a predictor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.sizes import UNKNOWN, Sizes


class Refiner(Protocol):
    """One deterministic network step per click; `Predictor` is one."""

    @property
    def version(self) -> str: ...

    def for_image(self, image: np.ndarray, image_key: str) -> Refiner: ...

    def prepare(self, image: np.ndarray, image_key: str) -> None: ...

    def refine(
        self,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        image_key: str,
        sizes: Sizes = UNKNOWN,
    ) -> np.ndarray: ...

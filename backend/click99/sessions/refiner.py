"""What sessions need of a predictor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.prior import UNKNOWN, Prior

if TYPE_CHECKING:
    from click99.segmentation.predictor import Estimate


class Refiner(Protocol):
    """One deterministic network step per click; `Predictor` is one."""

    @property
    def version(self) -> str: ...

    @property
    def engine(self) -> str: ...

    def learnt_from(self, project: str) -> bool: ...

    def for_image(self, image: np.ndarray, image_key: str, project: str = "") -> Refiner: ...

    def prepare(self, image: np.ndarray, image_key: str) -> None: ...

    def evidence(self, image: np.ndarray, image_key: str) -> np.ndarray | None: ...

    def judged(
        self,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        image_key: str,
        prior: Prior = UNKNOWN,
    ) -> Estimate: ...

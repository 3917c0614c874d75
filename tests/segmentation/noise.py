"""Pictures of nothing."""

from __future__ import annotations

import numpy as np


def picture(height: int = 60, width: int = 90, seed: int = 0) -> np.ndarray:
    """uint8 [H, W, 3]"""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)

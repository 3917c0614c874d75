"""Brush RLE: the bits in which Label Studio keeps a brush mask (the rle-pack layout over RGBA values)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def encode(mask: np.ndarray) -> list[int]:
    """Brush RLE of a mask: uint8 [H, W], 0 to 255 -> bytes as ints. ValueError for any other array."""
    raise NotImplementedError


def decode(rle: Sequence[int], height: int, width: int) -> np.ndarray:
    """Mask (the alpha channel) of a brush RLE: bytes as ints -> uint8 [height, width]; BrushError if it has none."""
    raise NotImplementedError

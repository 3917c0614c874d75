"""Samples side by side on one picture, to be looked at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from click99_training.datasets.image_files import read_rgba
from click99_training.datasets.sample import Sample

WIDTH, HEIGHT = 224, 168  # of a tile
COLUMNS, GAP = 6, 8
PAPER, BACKDROP = (250, 250, 250), (60, 160, 90)  # RGB; an old background's seam shows on the second
VOID = 128  # grey


def contact_sheet(samples: Iterable[Sample]) -> np.ndarray:
    """Every image with its alpha, or its truth, below it: uint8 RGB."""
    return _grid([np.vstack([_tile(sample.image), _tile(_mask(sample))]) for sample in samples])


def cutout_sheet(paths: Iterable[Path]) -> np.ndarray:
    """Every cut-out over one colour: uint8 RGB."""
    return _grid([_tile(_over_backdrop(path)) for path in paths])


def _mask(sample: Sample) -> np.ndarray:
    alpha = sample.truth.astype(np.float32) if sample.alpha is None else sample.alpha
    grey = np.where(sample.void, VOID, np.round(255 * alpha)).astype(np.uint8)
    return np.dstack([grey] * 3)


def _over_backdrop(path: Path) -> np.ndarray:
    colours, alpha = read_rgba(path)
    part = alpha[..., None] / 255
    return np.round(colours * part + np.array(BACKDROP) * (1 - part)).astype(np.uint8)


def _tile(image: np.ndarray) -> np.ndarray:
    """The image as large as it fits, in the middle of a tile."""
    height, width = image.shape[:2]
    scale = min(HEIGHT / height, WIDTH / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    tile = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
    top, left = (HEIGHT - size[1]) // 2, (WIDTH - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile


def _grid(tiles: list[np.ndarray]) -> np.ndarray:
    if not tiles:
        raise ValueError("there is nothing to show: no sample could be used")
    height, width = (size + GAP for size in tiles[0].shape[:2])
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * height + GAP, columns * width + GAP, 3), PAPER, np.uint8)
    for k, tile in enumerate(tiles):
        top, left = GAP + k // columns * height, GAP + k % columns * width
        sheet[top : top + height - GAP, left : left + width - GAP] = tile
    return sheet

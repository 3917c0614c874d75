"""Samples of our own, on disk and in memory: discs on noise, squares on a ramp, and how files break."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from click99.segmentation.clicks import Click
from click99_training.datasets.crops import CropStream
from click99_training.datasets.manifest import ManifestDataset
from click99_training.datasets.sample import Sample
from click99_training.loop.batch import Batch
from click99_training.recipes import COMPACT, Recipe

HEIGHT, WIDTH = 60, 80
RAMP = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
SQUARE = np.s_[20:40, 30:50]


def disc(height: int, width: int, x: int, y: int, radius: int) -> np.ndarray:
    """0 and 255, uint8 [H, W]."""
    rows, columns = np.ogrid[:height, :width]
    return (np.hypot(rows - y, columns - x) < radius).astype(np.uint8) * 255


def scene(mask: np.ndarray, seed: int) -> np.ndarray:
    """Dark noise with a green object, uint8 [H, W, 3]."""
    image = np.random.default_rng(seed).integers(0, 90, (*mask.shape, 3)).astype(np.uint8)
    image[mask > 0] += np.array([20, 160, 40], np.uint8)
    return image


def mask(*areas: tuple[slice, slice]) -> np.ndarray:
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    for area in areas:
        values[area] = 255
    return values


def folder_of(root: Path, masks: dict[str, np.ndarray]) -> Path:
    """images/ and masks/ with one image, a ramp, per mask."""
    for name, values in masks.items():
        for part, pixels in (("images", np.dstack([RAMP] * 3)), ("masks", values)):
            (root / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / part / f"{name}.png")
    return root


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def block() -> Sample:
    """A rectangle, 30 × 50 pixels, in noise."""
    truth = np.zeros((100, 150), bool)
    truth[30:60, 70:120] = True
    image = np.random.default_rng(0).integers(0, 256, (100, 150, 3), np.uint8)
    return Sample("s", image, truth, np.zeros_like(truth))


def marked(x: int, y: int) -> Sample:
    """An image whose only bright block, 3 × 3, is where the click is; object and start are all around it."""
    image = np.zeros((90, 120, 3), np.uint8)
    image[y - 1 : y + 2, x - 1 : x + 2] = 255
    truth = np.zeros((90, 120), bool)
    truth[20:70, 30:90] = True
    return Sample("a", image, truth, np.zeros_like(truth), clicks=(Click(x, y, True),), start=truth)


def first_batch(folder: Path, recipe: Recipe = COMPACT) -> Batch:
    """The first two crops, 64 pixels wide, of a manifest."""
    stream = CropStream(ManifestDataset(folder, "train"), recipe, seed=0)
    return Batch.start([stream[(k, 64)] for k in range(2)], [(0, k) for k in range(2)], recipe)

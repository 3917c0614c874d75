"""A folder with a manifest.csv that names, for every image, its mask, what the mask holds, and its split."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.datasets.composites import composite
from training.datasets.sample import Sample

KINDS = ("binary", "instances", "alpha", "foreground", "none")
SMALLEST_OBJECT = 150  # pixels; below it a mask says little
IGNORE = 255  # in instance masks


@dataclass(frozen=True)
class Entry:
    """A row of the manifest: paths relative to its folder, and what the mask's values mean."""

    image: str
    mask: str
    kind: str


class ManifestDataset:
    """Random access to the images of one split, one object at a time.

    Kinds: binary 0/255; instances 1…254 with 255 ignored; alpha 0…255; foreground: an alpha cut-out that is
    only used composited; none: a background.
    """

    def __init__(self, folder: Path, split: str):
        manifest = folder / "manifest.csv"
        if not manifest.is_file():
            raise FileNotFoundError(f"{manifest} does not exist: --data takes a folder with a manifest.csv")
        with manifest.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == split]
        unknown = {row["kind"] for row in rows} - set(KINDS)
        if unknown:
            raise ValueError(f"{manifest}: unknown kind {sorted(unknown)}, expected one of {KINDS}")
        entries = [Entry(row["file"], row["mask"], row["kind"]) for row in rows]
        self.folder = folder
        self.photos = [entry for entry in entries if entry.kind in ("binary", "instances", "alpha")]
        self.cutouts = [entry for entry in entries if entry.kind == "foreground"]
        self.backgrounds = [entry for entry in entries if entry.kind == "none"]

    def photo(self, rng: np.random.Generator) -> Sample:
        """A random image with one of its objects."""
        entry = self.photos[rng.integers(len(self.photos))]
        mask = self._read(entry.mask, cv2.IMREAD_UNCHANGED)
        truth, void = one_object(mask, entry.kind, rng)
        return Sample(entry.image, self._rgb(entry.image), truth, void)

    def composited(self, rng: np.random.Generator) -> Sample:
        """A random cut-out on a random background: half the time a photo, whose objects then distract."""
        entry = self.cutouts[rng.integers(len(self.cutouts))]
        behind = self.backgrounds if rng.random() < 0.5 else self.photos
        background = behind[rng.integers(len(behind))]
        alpha = self._read(entry.mask, cv2.IMREAD_GRAYSCALE)
        image, alpha = composite(self._rgb(entry.image), alpha, self._rgb(background.image), rng)
        return Sample(entry.image, image, alpha > 0.5, np.zeros(alpha.shape, bool))

    def _rgb(self, name: str) -> np.ndarray:
        return cv2.cvtColor(self._read(name, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

    def _read(self, name: str, how: int) -> np.ndarray:
        pixels = cv2.imread(str(self.folder / name), how)
        if pixels is None:
            raise ValueError(f"{self.folder / name} is missing or not an image: repair it or drop its row")
        return pixels


def one_object(mask: np.ndarray, kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Truth and void, bool [H, W], of one object of a mask; of instances a random one, now and then two."""
    mask = mask if mask.ndim == 2 else mask[..., 0]
    if kind != "instances":
        return mask > 127, np.zeros(mask.shape, bool)
    areas = np.bincount(mask.ravel(), minlength=256)[:IGNORE]
    objects = [k for k in range(1, IGNORE) if areas[k] >= SMALLEST_OBJECT]
    if not objects:
        return np.zeros(mask.shape, bool), mask == IGNORE
    chosen = rng.choice(objects, size=min(len(objects), 1 + (rng.random() < 0.1)), replace=False)
    return np.isin(mask, chosen), mask == IGNORE

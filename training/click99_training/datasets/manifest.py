"""A folder with a manifest.csv that names, for every image, its mask, what the mask holds, and its split."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from click99_training.datasets.composites import Foreground, composed
from click99_training.datasets.cutouts import cut_out
from click99_training.datasets.dataset import SMALLEST_OBJECT, SampleDataset
from click99_training.datasets.image_files import SampleError, grey_truth, read_image, read_mask, sample_of
from click99_training.datasets.mosaics import mosaic
from click99_training.datasets.sample import Sample
from click99_training.recipes import Mix, Recipe

KINDS = ("binary", "instances", "alpha", "foreground", "none")
COLUMNS = ("file", "mask", "kind", "split")
IGNORE = 255  # in instance masks
LONG_SIDE = 1000  # pixels, of a mosaic


@dataclass(frozen=True)
class Entry:
    """A row of the manifest: paths relative to its folder, what the mask's values mean, where it is from, and
    what its objects are called there."""

    image: str
    mask: str
    kind: str
    source: str = ""
    label: str = ""


class ManifestDataset(SampleDataset):
    """The images of one split, one object at a time, and composites of its cut-outs.

    Kinds: binary 0/255, void between 50 and 200; instances 1…254 with 255 ignored; alpha 0…255; foreground:
    an alpha cut-out that is only used composited; none: a background. By number there are the photos alone,
    each with a fixed one of its instances.
    """

    def __init__(self, folder: Path, split: str):
        manifest = folder / "manifest.csv"
        entries = _entries(manifest, split)
        self.folder = folder
        self.photos = [entry for entry in entries if entry.kind in ("binary", "instances", "alpha")]
        self.cutouts = [entry for entry in entries if entry.kind == "foreground"]
        self.backgrounds = [entry for entry in entries if entry.kind == "none"]
        self.of_source: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.photos:
            self.of_source[entry.source].append(entry)
        self.running: dict[float, np.ndarray] = {}
        self.one_object: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.photos:
            if entry.kind != "instances":
                self.one_object[entry.source].append(entry)
        if not self.photos and not (self.cutouts and self.backgrounds):
            raise ValueError(f"{manifest} has no images with masks in its split {split!r}")

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, k: int) -> Sample:
        return self._photo(self.photos[k], np.random.default_rng(k), pairs=0.0)

    def draw(self, rng: np.random.Generator, recipe: Recipe) -> Sample:
        """A random photo with one of its objects, alone or among others, or a composite."""
        possible = self.cutouts or self._precise(recipe.mix.cut_from)
        if not self.photos or (possible and rng.random() < recipe.composite):
            return self.composited(rng, recipe.mix)
        entry = self._any(rng, recipe.balance)
        sample = self._photo(entry, rng, recipe.mix.pairs)
        return self._among_others(sample, entry, rng, recipe) if rng.random() < recipe.mosaic else sample

    def _any(self, rng: np.random.Generator, balance: float) -> Entry:
        """A random photo, rather of a source that has few of them."""
        upto = self._upto(balance)
        return self.photos[min(int(np.searchsorted(upto, rng.random())), len(upto) - 1)]

    def _upto(self, balance: float) -> np.ndarray:
        """Running sums of the photos' shares."""
        if balance not in self.running:
            weights = np.array([len(self.of_source[entry.source]) ** -balance for entry in self.photos])
            self.running[balance] = np.cumsum(weights / weights.sum())
        return self.running[balance]

    def _among_others(self, sample: Sample, entry: Entry, rng: np.random.Generator, recipe: Recipe) -> Sample:
        """A mosaic of any photos, or of photos of its own kind."""
        alike = self.of_source[entry.source] if rng.random() < recipe.alike else []

        def another() -> np.ndarray:
            other = alike[rng.integers(len(alike))] if alike else self._any(rng, recipe.balance)
            return read_image(self.folder / other.image)

        low, high = recipe.mosaic_cells
        return mosaic(sample, int(rng.integers(low, high + 1)), another, rng, LONG_SIDE)

    def composited(self, rng: np.random.Generator, mix: Mix) -> Sample:
        """Random foregrounds on a random background: half the time a photo, whose objects then distract."""
        foregrounds = [self._foreground(rng, mix)]
        if mix.second and rng.random() < mix.second:
            foregrounds.append(self._foreground(rng, mix))
        behind = self.backgrounds if rng.random() < 0.5 else self.photos
        behind = behind or self.photos or self.backgrounds
        background = read_image(self.folder / behind[rng.integers(len(behind))].image)
        return composed(foregrounds, background, mix, rng)

    def _photo(self, entry: Entry, rng: np.random.Generator, pairs: float) -> Sample:
        return replace(self._labelled(entry, rng, pairs), kind=f"{entry.source} {entry.label}".strip())

    def _labelled(self, entry: Entry, rng: np.random.Generator, pairs: float) -> Sample:
        image, mask = self.folder / entry.image, self.folder / entry.mask
        if entry.kind == "instances":
            numbers = read_mask(mask, indices=True)
            truth, void = some_instance(numbers, rng, pairs)
            if not truth.any():
                raise SampleError(mask, f"no object in it has {SMALLEST_OBJECT} pixels")
            sample = sample_of(entry.image, image, truth, void)
            return replace(sample, others=np.where(truth | void, 0, numbers))
        values = read_mask(mask)
        if entry.kind == "alpha":
            alpha = values.astype(np.float32) / 255
            return sample_of(entry.image, image, alpha > 0.5, alpha=alpha)
        return sample_of(entry.image, image, *grey_truth(values))

    def _foreground(self, rng: np.random.Generator, mix: Mix) -> Foreground:
        """A ready cut-out, or an object cut out of a photo whose mask is precise."""
        precise = self._precise(mix.cut_from)
        if precise and (not self.cutouts or rng.random() < mix.cut):
            entry = precise[rng.integers(len(precise))]
            return cut_out(self._photo(entry, rng, pairs=0.0))
        entry = self.cutouts[rng.integers(len(self.cutouts))]
        alpha = read_mask(self.folder / entry.mask)
        colours = sample_of(entry.image, self.folder / entry.image, alpha > 127).image
        return Foreground(entry.image, colours, alpha).trimmed(mix.faintest)

    def _precise(self, sources: Sequence[str]) -> list[Entry]:
        """Photos of one object from these sources; those that the manifest lacks are passed over."""
        return [entry for source in sources for entry in self.one_object.get(source, ())]


def some_instance(mask: np.ndarray, rng: np.random.Generator, pairs: float) -> tuple[np.ndarray, np.ndarray]:
    """Truth and void, bool [H, W], of a random object in a mask of instances; of two in the share `pairs`."""
    areas = np.bincount(mask.ravel(), minlength=256)[:IGNORE]
    objects = [k for k in range(1, IGNORE) if areas[k] >= SMALLEST_OBJECT]
    if not objects:
        return np.zeros(mask.shape, bool), mask == IGNORE
    chosen = rng.choice(objects, size=min(len(objects), 1 + (rng.random() < pairs)), replace=False)
    return np.isin(mask, chosen), mask == IGNORE


def _entries(manifest: Path, split: str) -> list[Entry]:
    if not manifest.is_file():
        raise FileNotFoundError(f"{manifest} does not exist: is the data in another layout? Say --dataset")
    with manifest.open(newline="") as file:
        reader = csv.DictReader(file)
        if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
            raise ValueError(f"{manifest} lacks the column {missing[0]}, it needs {', '.join(COLUMNS)}")
        rows = [row for row in reader if row["split"] == split]
    if unknown := {row["kind"] for row in rows} - set(KINDS):
        raise ValueError(f"{manifest}: unknown kind {sorted(unknown)}, expected one of {KINDS}")
    return [
        Entry(row["file"], row["mask"], row["kind"], row.get("source") or "", row.get("cls") or "")
        for row in rows
    ]

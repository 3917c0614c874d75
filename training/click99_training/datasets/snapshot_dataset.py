"""Snapshots (learning/snapshots.py): masks that people saved, with the clicks that they made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Container, Iterable
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from click99.segmentation.clicks import Click
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import File, grey_truth, read_mask, sample_of
from click99_training.datasets.sample import Sample
from click99_training.recipes import Recipe


@dataclass(frozen=True)
class Way:
    """Clicks in a row, from a mask (its file) or from nothing."""

    start: File | None
    clicks: tuple[Click, ...]


@dataclass(frozen=True)
class SnapshotMask:
    """A saved mask, its image, the ways that led to it (none of one drawn by hand), its project, the model
    versions that answered its clicks, and when it was saved (UTC, ISO 8601; "": not known)."""

    image: File
    mask: File
    ways: tuple[Way, ...]
    project: str
    versions: frozenset[str]
    saved_at: str


class SnapshotDataset(SampleDataset):
    """A snapshot's masks, of all its splits. By number each comes with its first way's clicks."""

    def __init__(self, folder: Path):
        file = folder / "clicks.jsonl"
        self.masks = masks_of(file.read_text().splitlines(), folder.joinpath, str(file))

    @property
    def images(self) -> list[str]:
        """Each mask's image, by the hash of its pixels."""
        return [saved.image.stem for saved in self.masks]

    @property
    def projects(self) -> dict[str, int]:
        """How many of its images each project has."""
        return Counter(project for project, _ in {(saved.project, saved.image) for saved in self.masks})

    def clicked_with(self, version: str) -> list[str]:
        """The images of masks that this model version made of clicks, the newest first."""
        saved = sorted((each.saved_at, each.image.stem) for each in self.masks if version in each.versions)
        return list(dict.fromkeys(image for _, image in reversed(saved)))

    def of(self, images: Container[str]) -> SnapshotDataset:
        """The masks of some of its images."""
        some = copy(self)
        some.masks = [saved for saved in self.masks if saved.image.stem in images]
        return some

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, k: int) -> Sample:
        return first_of(self.opened(k))

    def draw(self, rng: np.random.Generator, recipe: Recipe) -> Sample:
        """A random mask, in the share `recipe.replayed` with the clicks of one of its ways."""
        return draw_of(self.opened(int(rng.integers(len(self)))), rng, recipe)

    def opened(self, k: int) -> SnapshotMask:
        """A mask whose files can be read."""
        return self.masks[k]


def masks_of(lines: Iterable[str], file: Callable[[str], File], name: str) -> list[SnapshotMask]:
    """What clicks.jsonl, called `name`, tells of each mask; ValueError naming the line that is not as
    `click99 collect` writes it."""
    masks = []
    for number, line in enumerate(lines, 1):
        try:
            masks.append(mask_of(json.loads(line), file))
        except (ValueError, KeyError, TypeError) as error:
            remedy = "Collect anew, with --out elsewhere"
            raise ValueError(f"{name}, line {number}: {error!r}. {remedy}") from None
    return masks


def mask_of(line: dict[str, Any], file: Callable[[str], File]) -> SnapshotMask:
    """What a line of clicks.jsonl tells. file: opens one of the snapshot, by the name that it has there."""
    split, _, mask = line["mask"].split("/")
    image = file(f"{split}/images/{mask.rpartition('_')[0]}.png")
    ways: list[Way] = []
    for click in line["clicks"]:
        if not ways or click["origin"] != "click":
            ways.append(Way(file(click["start"]) if click["start"] else None, ()))
        place = Click(click["x"], click["y"], click["positive"])
        ways[-1] = replace(ways[-1], clicks=(*ways[-1].clicks, place))
    versions = frozenset(click.get("model_version", "") for click in line["clicks"])
    project, saved_at = line.get("project") or "", line.get("saved_at") or ""
    return SnapshotMask(image, file(line["mask"]), tuple(ways), project, versions, saved_at)


def first_of(saved: SnapshotMask) -> Sample:
    """The mask with its first way's clicks."""
    return _sample(saved, saved.ways[0] if saved.ways else None)


def draw_of(saved: SnapshotMask, rng: np.random.Generator, recipe: Recipe) -> Sample:
    """The mask, in the share `recipe.replayed` with the clicks of one of its ways."""
    replayed = saved.ways and rng.random() < recipe.replayed
    return _sample(saved, saved.ways[int(rng.integers(len(saved.ways)))] if replayed else None)


def _sample(saved: SnapshotMask, way: Way | None) -> Sample:
    truth, void = grey_truth(read_mask(saved.mask))
    sample = replace(sample_of(saved.mask.stem, saved.image, truth, void), project=saved.project)
    if way is None:
        return sample
    start = read_mask(way.start) > 127 if way.start else None
    return replace(sample, clicks=way.clicks, start=start)

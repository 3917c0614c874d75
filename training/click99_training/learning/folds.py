"""Cross-fitting: a snapshot's images in two halves, so that each can judge what was learnt from the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from click99.segmentation.predictor import Predictor
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.skipped_samples import SkippedSamples, readable
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.gain import FEWEST
from click99_training.learning.judging import Bout, by_turns

FOLDS = 2
CLICKED = 30  # masks at least, counted as often as they are clicked through


class FewImagesError(ValueError):
    """Nothing can be decided; the message says how many images are missing."""


@dataclass(frozen=True)
class Fold:
    """Images to learn from, and those that judge what was learnt."""

    learnt: SnapshotDataset
    judges: SnapshotDataset


def folds(snapshot: SnapshotDataset) -> list[Fold]:
    """The same of the same images, whatever masks they have. By the hashes of their pixels, so at random."""
    images = sorted(set(snapshot.images))
    halves = [set(images[k::FOLDS]) for k in range(FOLDS)]
    return [Fold(snapshot.of(set(images) - half), snapshot.of(half)) for half in halves]


def refuse_few(snapshot: SnapshotDataset) -> None:
    """FewImagesError when the images are too few to decide by, or a half has none, before anything is trained
    for nothing."""
    skipped, found = SkippedSamples(), set[str]()
    halves = [set(fold.judges.images) for fold in folds(snapshot)]
    for sample in readable(snapshot, skipped):
        found.add(image_of(sample.name))
        if len(found) >= FEWEST and not any(half.isdisjoint(found) for half in halves):
            return
    if len(found) >= FEWEST:
        raise FewImagesError(f"no image of one half can be read, which is to judge the other. {skipped}")
    unreadable = f" {skipped}" if skipped.reasons else ""
    raise FewImagesError(
        f"only {len(found)} images have a saved mask, and {FEWEST} are needed to judge by. "
        f"Annotate {FEWEST - len(found)} more, better some 30.{unreadable}"
    )


def bouts(parts: list[Fold], candidates: list[Predictor]) -> Iterator[Bout]:
    """Every mask with the candidate that has not seen its image; few masks several times."""
    pairs = zip(parts, candidates, strict=True)
    known = [(fold.judges, k, candidate) for fold, candidate in pairs for k in range(len(fold.judges))]
    images = [image for fold in parts for image in fold.judges.images]
    turns = by_turns([(image, number) for number, image in enumerate(images)])
    for number in turns * ceil(CLICKED / max(1, len(turns))):
        data, k, candidate = known[number]
        try:
            yield Bout(data[k], images[number], candidate)
        except SampleError:
            continue  # training has named it


def base_bouts(base: SampleDataset, candidate: Predictor) -> Iterator[Bout]:
    """The base set's masks in an order of chance, so that any number of them speaks for all."""
    for k in np.random.default_rng(0).permutation(len(base)):
        try:
            sample = base[int(k)]
        except SampleError:
            continue
        yield Bout(sample, sample.name, candidate)


def image_of(mask: str) -> str:
    """The image of a collected mask: NAME of NAME_0."""
    return mask.rpartition("_")[0]

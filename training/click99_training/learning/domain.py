"""The network before a fine-tune, kept with what tells its images from those that the fine-tune is for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from click99.segmentation.generalist import Generalist
from click99.segmentation.predictor import Predictor
from click99_training.base.fingerprints import photographs
from click99_training.datasets.dataset import SampleDataset, evenly
from click99_training.datasets.sample import Sample
from click99_training.datasets.skipped_samples import SkippedSamples, readable
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.gain import FEWEST

KNOWN = 500  # masks whose images are looked at, evenly over all: some 20 s


class Domain:
    """What a fine-tune of `parent` is not for: the images of `others`.

    If the parent is fine-tuned itself, its generalist goes on, with what that is for and not for; those of
    `others` that it is not for stay with what was learnt.
    """

    def __init__(self, parent: Path, others: SampleDataset, device: str):
        predictor = Predictor.load(parent, device)
        self.general, self.earlier = predictor.parts[-1], predictor.generalist
        rest = (each for each in _some(others) if predictor.for_image(each.image, each.name) is self.general)
        self.others = torch.cat([_fingerprints(self.general, rest), photographs(self.general.network)])

    def generalist(self, corrected: SampleDataset, projects: Iterable[str] = ()) -> Generalist:
        """The network before, beside one that has learnt from `corrected`, and answers these projects."""
        known, whose = [_fingerprints(self.general, _some(corrected)), self.others], frozenset(projects)
        if self.earlier:
            before = (self.earlier.corrected, self.earlier.others)
            known = [torch.cat(both) for both in zip(known, before, strict=True)]
            whose |= self.earlier.projects
        corrected_once, others = (rows.unique(dim=0) for rows in known)
        return Generalist(self.general.network.cpu(), corrected_once, others, whose)


def projects_of(corrected: SnapshotDataset) -> list[str]:
    """Those that enough images are from to speak for the rest of them."""
    return [name for name, images in corrected.projects.items() if name and images >= FEWEST]


def _some(data: SampleDataset) -> Iterable[Sample]:
    return readable(evenly(data, KNOWN), SkippedSamples())


def _fingerprints(predictor: Predictor, samples: Iterable[Sample]) -> Tensor:
    """One row per sample, [N, C], as a checkpoint keeps it; none of no sample."""
    rows = [predictor.fingerprint(each.image, each.name).half().float() for each in samples]
    return torch.stack(rows) if rows else torch.empty(0)

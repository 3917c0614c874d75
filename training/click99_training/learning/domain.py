"""The network before a fine-tune, kept with what tells its images from those that the fine-tune is for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from click99.segmentation.generalist import Generalist
from click99.segmentation.predictor import Predictor
from click99_training.datasets.dataset import SampleDataset, evenly
from click99_training.datasets.sample import Sample
from click99_training.datasets.skipped_samples import SkippedSamples, readable

KNOWN = 500  # masks whose images are looked at, evenly over all: some 20 s


def generalist_of(parent: Path, corrected: SampleDataset, others: SampleDataset, device: str) -> Generalist:
    """For a fine-tune of `parent`.

    If that is fine-tuned itself, its generalist goes on, with what that is for and not for; those of `others`
    that it is not for stay with what was learnt.
    """
    predictor = Predictor.load(parent, device)
    general, earlier = predictor.parts[-1], predictor.generalist
    rest = (each for each in _some(others) if predictor.for_image(each.image, each.name) is general)
    known = [_fingerprints(general, samples) for samples in (_some(corrected), rest)]
    if earlier:
        known = [torch.cat(both) for both in zip(known, (earlier.corrected, earlier.others), strict=True)]
    return Generalist(general.network.cpu(), *(rows.unique(dim=0) for rows in known))


def _some(data: SampleDataset) -> Iterable[Sample]:
    return readable(evenly(data, KNOWN), SkippedSamples())


def _fingerprints(predictor: Predictor, samples: Iterable[Sample]) -> Tensor:
    """One row per sample, [N, C], as a checkpoint keeps it; none of no sample."""
    rows = [predictor.fingerprint(each.image, each.name).half().float() for each in samples]
    return torch.stack(rows) if rows else torch.empty(0)

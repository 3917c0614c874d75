"""The network before a fine-tune, kept with what tells its images from those that the fine-tune is for."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from backend.segmentation.checkpoint import load_checkpoint, load_generalist
from backend.segmentation.generalist import Generalist
from backend.segmentation.network import TwoStreamNetwork
from backend.segmentation.predictor import Predictor
from training.datasets.dataset import SampleDataset, evenly
from training.datasets.skipped import Skipped, readable

KNOWN = 500  # masks whose images are looked at, evenly over all: some 20 s


def network_before(parent: Path) -> TwoStreamNetwork:
    """What answers the images that no fine-tune was for: the parent, or its generalist."""
    generalist = load_generalist(parent)
    return generalist.network if generalist else load_checkpoint(parent)


def generalist_of(parent: Path, corrected: SampleDataset, others: SampleDataset, device: str) -> Generalist:
    """For a fine-tune of `parent`; what that was for stays what the fine-tune is for."""
    predictor = Predictor(network_before(parent), parent.stem, device)
    known = [_fingerprints(predictor, data) for data in (corrected, others)]
    if earlier := load_generalist(parent):
        known[0] = torch.cat((earlier.corrected, known[0])).unique(dim=0)
    return Generalist(predictor.network.cpu(), *known)


def _fingerprints(predictor: Predictor, data: SampleDataset) -> Tensor:
    """One row per image, [N, C], as a checkpoint keeps it."""
    samples = readable(evenly(data, KNOWN), Skipped())
    rows = [predictor.fingerprint(sample.image, sample.name) for sample in samples]
    return torch.stack(rows).half().float().unique(dim=0)

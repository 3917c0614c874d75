"""The network before a fine-tune, and the images that it goes on answering.

A network that learns a new kind of image forgets others (docs/explanation/learning.md). So a fine-tuned
checkpoint holds the network before, too, and each image is answered by one of the two, chosen by its looks
(in the manner of Expert Gate, Aljundi et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from click99.segmentation.network import ImageFeatures, TwoStreamNetwork

LEAST_SPREAD = 1e-6  # a channel that is the same in all images tells nothing apart


@dataclass(frozen=True)
class Generalist:
    """corrected, others: this network's fingerprints of images that the fine-tune learnt from, [N, C], and of
    the base set's, [M, C]."""

    network: TwoStreamNetwork
    corrected: Tensor
    others: Tensor

    def answers(self, fingerprint: Tensor) -> bool:
        """Whether an image with this fingerprint [C] is nearer to one of the others than to any that was
        corrected, each channel measured by how it varies among the others."""
        spread = self.others.std(0, correction=0).clamp_min(LEAST_SPREAD)

        def nearest(known: Tensor) -> Tensor:
            return ((known - fingerprint) / spread).square().sum(1).min()

        return bool(nearest(self.others) < nearest(self.corrected))


def fingerprint(features: ImageFeatures) -> Tensor:
    """The mean of every channel of the image stream, at all its scales: [C], of one image's features."""
    maps = [*features.skips, features.context]
    return torch.cat([each.float().mean((0, 2, 3)) for each in maps]).cpu()

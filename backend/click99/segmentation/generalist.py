"""The network before a fine-tune, and the images that it goes on answering.

A network that learns a new kind of image forgets others (docs/explanation/learning.md). So a fine-tuned
checkpoint holds the network before, too, and each image is answered by one of the two, chosen by the project
that asks or else by its looks (in the manner of Expert Gate, Aljundi et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from click99.segmentation.network import ImageFeatures, TwoStreamNetwork

LEAST_SPREAD = 1e-6  # a channel that is the same in all images tells nothing apart
SHRINKAGE = 0.5  # of the covariance towards a sphere: there are fewer images than channels


@dataclass(frozen=True)
class Generalist:
    """corrected, others: this network's fingerprints of images that the fine-tune learnt from, [N, C], and of
    images that it is not for, [M, C]. projects: whose images are all answered by what was learnt."""

    network: TwoStreamNetwork
    corrected: Tensor
    others: Tensor
    projects: frozenset[str] = frozenset()

    def answers(self, fingerprint: Tensor) -> bool:
        """Whether an image with this fingerprint [C] looks more like the others than like those that were
        corrected."""
        middle, towards_corrected = self._discriminant
        return bool((fingerprint.double() - middle) @ towards_corrected < 0)

    @cached_property
    def _discriminant(self) -> tuple[Tensor, Tensor]:
        """Fisher's (1936) with a shrunk covariance: a point between both kinds, and a direction, [C] each."""
        spread = self.others.double().std(0, correction=0).clamp_min(LEAST_SPREAD)
        kinds = [rows.double() / spread for rows in (self.corrected, self.others)]
        means = [rows.mean(0) for rows in kinds]
        away = [(rows - mean) / len(rows) ** 0.5 for rows, mean in zip(kinds, means, strict=True)]
        covariance = (away[0].T @ away[0] + away[1].T @ away[1]) / 2
        sphere = covariance.diagonal().mean().clamp_min(LEAST_SPREAD) * torch.eye(len(spread)).double()
        weights = torch.linalg.solve(torch.lerp(covariance, sphere, SHRINKAGE), means[0] - means[1])
        return (means[0] + means[1]) / 2 * spread, weights / spread


def fingerprint(features: ImageFeatures) -> Tensor:
    """The mean of every channel of the image stream, at all its scales: [C], of one image's features."""
    maps = [*features.skips, features.context]
    return torch.cat([each.float().mean((0, 2, 3)) for each in maps]).cpu()

"""Learning without forgetting (Li and Hoiem 2016): old images are answered as the network before did.

A few photos with their true masks would be learnt by heart, and all others forgotten. The old network's
answers hold what it knows wherever somebody clicks, and ask for nothing new.
"""

from __future__ import annotations

import torch
from torch import Tensor

from click99.segmentation.network import ImageFeatures, TwoStreamNetwork
from click99_training.loop.batch import Batch
from click99_training.loop.precision import keep_in_fp32


class Teacher:
    """The network before, which stays as it is."""

    def __init__(self, network: TwoStreamNetwork, device: torch.device):
        self.network = network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)  # pyright: ignore
        keep_in_fp32(self.network, device)
        self._encoded: tuple[Batch, ImageFeatures] | None = None

    @torch.no_grad()
    def target(self, batch: Batch, maps: Tensor) -> Tensor:
        """The truth [B, 1, S, S], and in its place where a sample is `taught` this network's alpha after the
        same clicks. maps: the batch's click maps."""
        taught = [k for k, sample in enumerate(batch.samples) if sample.taught]
        if not taught:
            return batch.truth
        features = self._encode(batch, maps, taught)
        alpha = self.network(features, maps[taught], batch.previous[taught]).alpha
        target = batch.truth.clone()
        target[taught] = alpha.float()
        return target

    def _encode(self, batch: Batch, maps: Tensor, taught: list[int]) -> ImageFeatures:
        """Once a batch where the image stream sees the image alone."""
        if not self.network.image_only:
            return self.network.encode(batch.image[taught], maps[taught], batch.previous[taught])
        if self._encoded is None or self._encoded[0] is not batch:
            self._encoded = batch, self.network.encode(batch.image[taught])
        return self._encoded[1]

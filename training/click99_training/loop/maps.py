"""Maps as the memory of accepted masks shows them at a first click (docs/explanation/memory.md).

There they are learnt from other pictures. Here from a part of each crop, mixed with what another crop of the
batch teaches, which makes them as wrong as they may be there: the network must learn to use a good one, and
to do without a bad one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from click99.segmentation.discriminant import Discriminant, Moments
from click99.segmentation.network import upsample

PART = (0.3, 0.8)  # of the crop's sides that a map is learnt from
OTHER = 0.5  # share of the maps that another crop's object has a say in
WRONG = 0.15  # of the maps that it alone makes


def learnt_maps(evidence: Tensor, truth: Tensor, rngs: Sequence[np.random.Generator]) -> Tensor:
    """A map of each crop: [B, 1, S, S] in 0…1, zeros where its part teaches nothing.

    evidence: of the crops, [B, C, h, w]. truth: [B, 1, S, S].
    """
    features = evidence.detach().float().cpu().numpy()
    masks = truth[:, 0].cpu().numpy() > 0.5
    taught = [part_of(*each) for each in zip(features, masks, rngs, strict=True)]
    maps = np.zeros((len(features), 1, *features.shape[2:]), np.float32)
    for k, rng in enumerate(rngs):
        chosen = [moments for moments in _mixed(taught, k, rng) if moments]
        if chosen:
            maps[k, 0] = Discriminant.between(chosen, "").map(features[k])
    return upsample(torch.from_numpy(maps).to(truth.device), truth)


def part_of(features: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Moments | None:
    """What a random part of the crop teaches."""
    _, height, width = features.shape
    step = mask.shape[0] // height
    rows, columns = _some(height, rng), _some(width, rng)
    seen = mask[rows.start * step : rows.stop * step, columns.start * step : columns.stop * step]
    return Moments.of(features[:, rows, columns], seen)


def _some(length: int, rng: np.random.Generator) -> slice:
    size = max(2, round(length * rng.uniform(*PART)))
    start = int(rng.integers(0, length - size + 1))
    return slice(start, start + size)


def _mixed(taught: Sequence[Moments | None], k: int, rng: np.random.Generator) -> tuple[Moments | None, ...]:
    """Whose lessons crop k's map is made of."""
    other = taught[(k + int(rng.integers(1, max(2, len(taught))))) % len(taught)]
    draw = rng.random()
    if draw < WRONG:
        return (other,)
    return (taught[k], other) if draw < WRONG + OTHER else (taught[k],)

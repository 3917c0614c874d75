"""What crops of each kind have taught, as a project's memory learns from accepted masks: pictures of one
source and class then answer each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from click99.segmentation.discriminant import Moments
from click99_training.datasets.sample import Sample

KEPT = 12  # newest masks of a kind, each of another photo: 24 kB a mask


class Lessons:
    """Of the newest crops of each kind. Under torchrun each process has its own, and all resume from the
    first one's."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, Tensor]] = {}  # by kind and photo, packed, the newest last

    def teach(self, samples: Sequence[Sample], features: np.ndarray) -> None:
        """features: of the crops, float32 [B, C, h, w]."""
        for sample, seen in zip(samples, features, strict=True):
            moments = Moments.of(seen, sample.truth) if sample.kind else None
            if moments is None:
                continue
            photos = self.kinds.setdefault(sample.kind, {})
            photos.pop(sample.name, None)
            photos[sample.name] = torch.frombuffer(bytearray(moments.pack()), dtype=torch.float16)
            if len(photos) > KEPT:
                del photos[next(iter(photos))]

    def draw(self, sample: Sample, rng: np.random.Generator) -> list[Moments]:
        """Of one to all masks of the sample's kind in other photos, few rather than many; none: there are
        none."""
        photos = self.kinds.get(sample.kind, {}) if sample.kind else {}
        others = [packed for name, packed in photos.items() if name != sample.name]
        if not others:
            return []
        few = int(len(others) ** rng.random())
        chosen = rng.choice(len(others), few, replace=False)
        return [Moments.unpack(others[k].numpy().tobytes()) for k in chosen]

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        return {kind: dict(photos) for kind, photos in self.kinds.items()}

    def load_state_dict(self, state: dict[str, dict[str, Tensor]]) -> None:
        self.kinds = {
            kind: {name: each.cpu() for name, each in photos.items()} for kind, photos in state.items()
        }

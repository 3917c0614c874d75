"""What pixels of a kind of object look like to the image stream: a linear discriminant (Fisher 1936).

In closed form from sums over masks, which can be added up in any order, or left out: nothing is trained,
and nothing depends on what came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

SHRINKAGE = 0.1  # of the covariance towards its diagonal: few masks say little of what varies together
LEAST_PIXELS = 0.25  # of the features' grid that an object, and what is not, must cover to be learnt from
HALF = float(np.finfo(np.float16).max)


@dataclass(frozen=True, eq=False)
class Moments:
    """Of one mask's pixels. means: of what is not the object, and of the object, float32 [2, C].
    scatter: the sum of both covariances, float32 [C, C]."""

    means: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, mask: np.ndarray) -> Moments | None:
        """features: float32 [C, h, w] of the whole image. mask: bool [H, W], of any size. None: the object,
        or all that is not, is smaller than the features can show."""
        channels, height, width = features.shape
        pixels = features.reshape(channels, -1).T.astype(np.float64)  # [h · w, C]
        small = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        inside = small.ravel().clip(0, 1).astype(np.float64)
        weights = np.stack((1 - inside, inside))
        if weights.sum(1).min() < LEAST_PIXELS:
            return None
        weights /= weights.sum(1, keepdims=True)
        means = weights @ pixels
        away = [np.sqrt(w)[:, None] * (pixels - m) for w, m in zip(weights, means, strict=True)]
        scatter = sum(a.T @ a for a in away)
        return cls(means.astype(np.float32), np.asarray(scatter, np.float32))

    def pack(self) -> bytes:
        """In half precision, the scatter's upper half only: C² + 5 C bytes."""
        upper = self.scatter[np.triu_indices(len(self.scatter))]
        return np.clip(np.concatenate((*self.means, upper)), -HALF, HALF).astype("<f2").tobytes()

    @classmethod
    def unpack(cls, data: bytes) -> Moments:
        """ValueError: it is damaged."""
        values = np.frombuffer(data, "<f2").astype(np.float32)
        channels = round((np.sqrt(25 + 8 * len(values)) - 5) / 2)  # C (C + 1) / 2 + 2 C of them
        if len(values) != channels * (channels + 5) // 2 or not np.isfinite(values).all():
            raise ValueError(f"{len(data)} bytes are no moments")
        scatter = np.zeros((channels, channels), np.float32)
        scatter[np.triu_indices(channels)] = values[2 * channels :]
        scatter += np.triu(scatter, 1).T
        return cls(values[: 2 * channels].reshape(2, channels), scatter)


@dataclass(frozen=True)
class Discriminant:
    """weights: of the channels and, last, the offset, float32 [C + 1] as bytes. network: whose features."""

    weights: bytes
    network: str

    @classmethod
    def between(cls, masks: Sequence[Moments], network: str) -> Discriminant:
        """The object's pixels and all others; every mask counts alike. masks: at least one."""
        means = np.stack([each.means for each in masks]).mean(0, dtype=np.float64)  # [2, C]
        scatter = np.stack([each.scatter for each in masks]).mean(0, dtype=np.float64) / 2
        variances = np.diag(scatter)
        scatter = (1 - SHRINKAGE) * scatter + SHRINKAGE * np.diag(variances)
        scatter += (1e-3 * variances.mean() + 1e-9) * np.eye(len(scatter))
        weights = np.linalg.solve(scatter, means[1] - means[0])
        offset = -weights @ means.sum(0) / 2
        return cls(np.append(weights, offset).astype("<f4").tobytes(), network)

    def map(self, features: np.ndarray) -> np.ndarray:
        """How much each place looks like the object: float32 [h, w] in 0…1. features: [C, h, w]."""
        *weights, offset = np.frombuffer(self.weights, "<f4")
        scores = np.tensordot(np.asarray(weights), features, 1) + offset
        return (1 / (1 + np.exp(-np.clip(scores, -30, 30)))).astype(np.float32)

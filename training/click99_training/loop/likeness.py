"""What a network with an input for it sees of masks accepted before, in training.

Most of the maps are learnt, as the memory learns them (docs/explanation/memory.md): from other photos of
the crop's kind, or where there are none from a part of the crop itself. The others are simulated: the truth
and its look-alikes in coarse cells, with holes and false parts. Some are another crop's altogether: a network
that trusts the map must get over a wrong one with a click.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from click99.segmentation.discriminant import Discriminant
from click99_training.datasets.sample import Sample
from click99_training.loop.lessons import Lessons
from click99_training.loop.maps import part_of
from click99_training.loop.nearly_right import smooth_noise

LEARNT = 0.6  # share of the maps
WRONG = 0.12  # of the maps that are another crop's
ALIKE = 0.9  # of the simulated ones that show the object's look-alikes, too, where they are known
COARSER = 0.5  # of the maps, up to FARTHEST times: of the whole picture, seen through a window
FARTHEST = 3.0
CELL = (6.0, 24.0)  # pixels of a crop, of simulated maps
GAIN = (1.0, 10.0)  # thin things fill the cells that they cross
STRENGTH = (2.5, 12.0)
NOISE, OFFSET = (0.0, 0.7), (-0.7, 0.3)  # over the distance between object and surroundings


def likeness(
    samples: Sequence[Sample],
    features: np.ndarray,
    lessons: Lessons,
    rngs: Sequence[np.random.Generator],
    share: float,
) -> np.ndarray:
    """What the network sees of each crop: float32 [B, 1, S, S] in −1…1, 0 in those that see nothing.

    features: of the crops, float32 [B, C, h, w]. share: of the crops that see something.
    """
    height, width = samples[0].truth.shape
    seen = np.zeros((len(samples), 1, height, width), np.float32)
    for k, rng in enumerate(rngs):
        if rng.random() < share:
            small = _coarser(_some_map(samples, features, lessons, k, rng), rng)
            seen[k, 0] = 2 * cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) - 1
    return seen


def _some_map(
    samples: Sequence[Sample],
    features: np.ndarray,
    lessons: Lessons,
    k: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Of crop k: float32 [h, w] in 0…1."""
    whose = k
    if rng.random() < WRONG:
        whose = (k + int(rng.integers(1, max(2, len(samples))))) % len(samples)
    if rng.random() >= LEARNT:
        return simulated(samples[whose], rng)
    taught = lessons.draw(samples[whose], rng)
    if not taught:
        part = part_of(features[whose], samples[whose].truth, rng)
        taught = [part] if part else []
    return Discriminant.between(taught, "").map(features[k]) if taught else simulated(samples[whose], rng)


def simulated(sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """As a discriminant may see it: float32 [n, n] in 0…1."""
    alike = sample.truth
    if sample.others is not None and rng.random() < ALIKE:
        alike = alike | (sample.others > 0)
    cells = max(4, round(len(alike) / _between(CELL, rng)))
    share = cv2.resize(alike.astype(np.float32), (cells, cells), interpolation=cv2.INTER_AREA)
    score = 2 * np.minimum(1, _between(GAIN, rng) * share) - 1 + rng.uniform(*OFFSET)
    for _ in range(2):  # blobs of two sizes
        score += rng.uniform(*NOISE) * smooth_noise(share.shape, rng)
    return (1 / (1 + np.exp(-_between(STRENGTH, rng) * score))).astype(np.float32)


def _coarser(small: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() >= COARSER:
        return small
    factor = _between((1.0, FARTHEST), rng)
    cells = [max(2, round(side / factor)) for side in small.shape[::-1]]
    return cv2.resize(small, cells, interpolation=cv2.INTER_AREA)


def _between(bounds: tuple[float, float], rng: np.random.Generator) -> float:
    """Log-uniformly."""
    return float(np.exp(rng.uniform(*np.log(bounds))))

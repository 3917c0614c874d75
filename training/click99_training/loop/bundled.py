"""Clicks all at once, drawn before the network has said anything (Xu et al. 2016, section 3.1).

What interactive networks were trained with before clicks came one by one; the ablation's baseline.
"""

from __future__ import annotations

import cv2
import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.robot import depth
from click99_training.datasets.sample import Sample

REFERENCE_SIDE = 352  # the distances below are in pixels of a crop of this side
MOST_POSITIVE, MOST_AROUND, MOST_PER_OBJECT = 5, 10, 5
MARGIN, STEP, BAND = (5, 20), (7, 20), 40  # from the border, between clicks, around the object


def bundled_clicks(sample: Sample, rng: np.random.Generator) -> list[Click]:
    """One to five clicks in the object, and background clicks by one of three strategies.

    The strategies: at random in a band around the object; on other objects (where the sample knows of none,
    the first strategy); evenly around the object.
    """
    unit = max(sample.truth.shape) / REFERENCE_SIDE
    margin, step = rng.uniform(*MARGIN) * unit, rng.uniform(*STEP) * unit
    truth = sample.truth
    inside = _at_least(margin, truth)
    clicks = _apart(inside, int(rng.integers(1, MOST_POSITIVE + 1)), step, True, rng)
    distance = cv2.distanceTransform((~truth).astype(np.uint8), cv2.DIST_L2, 5)  # from the object
    around = ~truth & ~sample.void & (distance > margin) & (distance < max(BAND * unit, margin + 2))
    strategy = int(rng.integers(3))
    if strategy == 1 and sample.others is not None and sample.others.any():
        return clicks + _on_others(sample.others, margin, step, rng)
    if strategy == 2:
        return clicks + _evenly(around, MOST_AROUND, rng)
    return clicks + _apart(around, int(rng.integers(0, MOST_AROUND + 1)), step, False, rng)


def _at_least(margin: float, region: np.ndarray) -> np.ndarray:
    """The region's pixels that far from its border, or its deepest where none is."""
    inside = depth(region)
    return inside >= min(margin, float(inside.max()))


def _apart(
    region: np.ndarray, count: int, step: float, positive: bool, rng: np.random.Generator
) -> list[Click]:
    """Up to `count` random clicks in the region, no two closer than `step`."""
    left, clicks = np.argwhere(region), []
    while len(left) and len(clicks) < count:
        y, x = left[rng.integers(len(left))]
        clicks.append(Click(int(x), int(y), positive))
        left = left[np.hypot(*(left - (y, x)).T) >= step]
    return clicks


def _on_others(others: np.ndarray, margin: float, step: float, rng: np.random.Generator) -> list[Click]:
    """Clicks on each of the other objects: int [H, W], 0 = none, then one number an object."""
    clicks: list[Click] = []
    for other in np.unique(others[others > 0]):
        count = int(rng.integers(0, MOST_PER_OBJECT + 1))
        clicks += _apart(_at_least(margin, others == other), count, step, False, rng)
    return clicks


def _evenly(band: np.ndarray, count: int, rng: np.random.Generator) -> list[Click]:
    """A random first click in the band, each next one where it is farthest from all before."""
    places = np.argwhere(band)
    if not len(places):
        return []
    chosen = [places[rng.integers(len(places))]]
    nearest = np.full(len(places), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, np.hypot(*(places - chosen[-1]).T))
        chosen.append(places[int(nearest.argmax())])
    return [Click(int(x), int(y), False) for y, x in chosen]

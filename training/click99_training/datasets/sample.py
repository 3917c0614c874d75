"""One image with the truth about one object, and the crops and colours it is trained in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from click99.segmentation.clicks import Click


@dataclass(frozen=True)
class Sample:
    """image uint8 RGB [H, W, 3]; truth and void bool [H, W], void = not counted as right or wrong.

    alpha: float32 [H, W] in 0…1 where the data knows it (composites, mattes); the truth is alpha > 0.5 there.
    others: uint8 [H, W], the image's other objects where they are known, numbered from 1.
    cut_off: area of the object that a crop left out, over the area in it.
    clicks: what a person clicked here, in order; start: the mask that the first of them began with, bool
    [H, W], None: nothing. taught: the truth only says where to click, what to answer says a teacher
    (training/click99_training/loop/teacher.py). project: that it was saved in, as the record calls it.
    kind: objects of one kind look alike; empty: none is known to look like it.
    """

    name: str
    image: np.ndarray
    truth: np.ndarray
    void: np.ndarray
    alpha: np.ndarray | None = None
    others: np.ndarray | None = None
    cut_off: float = 0.0
    clicks: tuple[Click, ...] = ()
    start: np.ndarray | None = None
    taught: bool = False
    project: str = ""
    kind: str = ""


def crop_around_object(
    sample: Sample, side: int, scale: tuple[float, float], rng: np.random.Generator
) -> Sample:
    """A random part of the image with the object's middle in it, stretched to side × side.

    Args:
        scale: the crop's side over the object's longer side, drawn log-uniformly between the two.
    """
    ys, xs = np.nonzero(sample.truth)
    height, width = sample.truth.shape
    extent = max(np.ptp(ys) + 1, np.ptp(xs) + 1) * np.exp(rng.uniform(*np.log(scale)))
    aspect = np.exp(rng.uniform(-0.25, 0.25))
    top, bottom = _span(ys, extent * aspect, height, rng)
    left, right = _span(xs, extent / aspect, width, rng)
    return resize(_part(sample, np.s_[top:bottom, left:right]), side, side)


def _part(sample: Sample, area: tuple[slice, slice]) -> Sample:
    image, truth, void = (np.ascontiguousarray(a[area]) for a in (sample.image, sample.truth, sample.void))
    alpha, others, start = (
        None if known is None else np.ascontiguousarray(known[area])
        for known in (sample.alpha, sample.others, sample.start)
    )
    top, left = (along.start or 0 for along in area)
    clicks = _moved(sample.clicks, lambda x, y: (x - left, y - top), truth.shape)
    cut_off = sample.truth.sum() * (1 + sample.cut_off) / max(1, truth.sum()) - 1
    return replace(
        sample,
        image=image,
        truth=truth,
        void=void,
        alpha=alpha,
        others=others,
        cut_off=float(cut_off),
        clicks=clicks,
        start=start,
    )


def _moved(
    clicks: Iterable[Click], to: Callable[[int, int], tuple[float, float]], shape: tuple[int, ...]
) -> tuple[Click, ...]:
    """The clicks at other places; those outside [height, width] are left out."""
    places = [(*(int(np.floor(along)) for along in to(c.x, c.y)), c.positive) for c in clicks]
    height, width = shape
    return tuple(Click(x, y, sign) for x, y, sign in places if 0 <= x < width and 0 <= y < height)


def _span(object_pixels: np.ndarray, extent: float, limit: int, rng: np.random.Generator) -> tuple[int, int]:
    """Where the crop starts and ends along one axis: around one of the object's pixels, inside the image."""
    length = int(np.clip(extent, min(32, limit), limit))
    low, high = object_pixels.min(), object_pixels.max() + 1
    if length >= high - low:
        start = rng.integers(high - length, low + 1)
    else:
        start = int(rng.choice(object_pixels)) - rng.integers(length)
    start = int(np.clip(start, 0, limit - length))
    return start, start + length


def resize(sample: Sample, height: int, width: int) -> Sample:
    """The sample at another size; the truth is cut at half, void stays where any of it falls."""
    smaller = height * width < sample.truth.size
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR

    def scaled(pixels: np.ndarray, how: int = how) -> np.ndarray:
        return cv2.resize(pixels, (width, height), interpolation=how)

    void, start = sample.void, sample.start
    down, across = height / sample.truth.shape[0], width / sample.truth.shape[1]
    return replace(
        sample,
        image=scaled(sample.image),
        truth=scaled(sample.truth.astype(np.float32)) > 0.5,
        void=scaled(void.astype(np.float32)) > 0 if void.any() else np.zeros((height, width), bool),
        alpha=None if sample.alpha is None else scaled(sample.alpha),
        others=None if sample.others is None else scaled(sample.others, cv2.INTER_NEAREST),
        start=None if start is None else scaled(start.astype(np.float32)) > 0.5,
        clicks=_moved(sample.clicks, lambda x, y: ((x + 0.5) * across, (y + 0.5) * down), (height, width)),
    )


def flip(sample: Sample) -> Sample:
    """Mirrored left to right."""
    width = sample.truth.shape[1]
    clicks = _moved(sample.clicks, lambda x, y: (width - 1 - x, y), sample.truth.shape)
    return replace(_part(sample, np.s_[:, ::-1]), clicks=clicks)


def inverted(sample: Sample) -> Sample:
    """All that the object is not: large, in several parts, and of many things, as a scene without its sky."""
    alpha = None if sample.alpha is None else 1 - sample.alpha
    return Sample(sample.name, sample.image, ~(sample.truth | sample.void), sample.void, alpha)


def recolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random gamma, contrast, brightness, channel shift; now and then grey. uint8 RGB [H, W, 3]."""
    values = np.arange(256) / 255
    curve = values ** np.exp(rng.uniform(-0.35, 0.35)) * rng.uniform(0.8, 1.25) + rng.uniform(-0.15, 0.15)
    table = np.clip((curve[:, None] + rng.uniform(-0.04, 0.04, 3)) * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.05:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    return cv2.LUT(image, table[None])

"""`from click99 import load`, without a server: `load().start(image)`, then clicks and their masks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from click99.labelstudio.pixels import MAX_PIXELS, read_pixels
from click99.labelstudio.prompts import Box
from click99.segmentation.clicks import Click
from click99.segmentation.prior import Prior
from click99.sessions.boxes import Lasso, first_mask, own_click
from click99.sessions.refiner import Refiner

IMAGE = "a path, or an array uint8 RGB [H, W, 3]"


class Model:
    """A network ready for objects; any number of them at a time, one click after the other."""

    def __init__(self, refiner: Refiner):
        self._refiner = refiner

    @property
    def version(self) -> str:
        """The checkpoint's name and the first digits of its content's hash."""
        return self._refiner.version

    def start(self, image: np.ndarray | Path | str, like: tuple[int, ...] = ()) -> Object:
        """A new object on an image.

        Args:
            image: uint8 RGB [H, W, 3], not to be written to meanwhile; or the path of a picture.
            like: pixels of objects of its kind, if some are known: its own is expected to be about as large.

        Raises:
            ValueError: the image is of another shape or type, or `like` tells of nothing.
            FileNotFoundError: there is no such picture.
            ImageError: the file is no readable picture.
        """
        if isinstance(image, str | Path):
            image = read(Path(image))
        elif not isinstance(image, np.ndarray):
            raise ValueError(f"image: {IMAGE} is needed, not {type(image).__name__}")
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(f"image: {IMAGE} is needed, not {image.dtype} {list(image.shape)}")
        if not all(area > 0 for area in like):
            raise ValueError(f"like: {like} are no objects' pixels: leave out what is not above 0")
        key = hashlib.sha256(image.tobytes()).hexdigest()
        return Object(self._refiner.for_image(image, key), image, key, Prior(like))


class ObjectState(NamedTuple):
    """An object after some prompts. alpha: float32 [H, W] in 0…1. quality: expected IoU. clicks: those since
    the last box or lasso, which is `around`."""

    alpha: np.ndarray
    quality: float = 0.0
    clicks: tuple[Click, ...] = ()
    around: Box | Lasso | None = None


class Object:
    """One object on its way to the right mask."""

    def __init__(self, refiner: Refiner, image: np.ndarray, key: str, prior: Prior):
        self._refiner, self._image, self._key, self._prior = refiner, image, key, prior
        self._states = [ObjectState(np.zeros(image.shape[:2], np.float32))]

    @property
    def alpha(self) -> np.ndarray:
        """How much of each pixel is the object: float32 [H, W] in 0…1, multiples of 1/255; not to be written
        to."""
        alpha = self._states[-1].alpha.view()
        alpha.flags.writeable = False
        return alpha

    @property
    def mask(self) -> np.ndarray:
        """bool [H, W]."""
        return self.alpha > 0.5

    @property
    def quality(self) -> float | None:
        """The IoU, 0…1, that the network expects of the mask; 0 before the first click. None: the checkpoint
        has no quality head."""
        network = getattr(self._refiner, "network", None)  # what stands in for one tells
        return None if network is not None and network.quality is None else self._states[-1].quality

    def click(self, x: int, y: int, positive: bool = True) -> np.ndarray:
        """The mask after one more click: bool [H, W].

        x, y: pixels, origin top left. positive: on the object; else on what is not of it.

        Raises:
            ValueError: outside the image, or between its pixels.
        """
        x, y = _whole(x, y)
        height, width = self._image.shape[:2]
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"({x}, {y}) is outside of the image, which is {width} × {height}")
        around, clicks = self._states[-1].around, (*self._states[-1].clicks, Click(x, y, positive))
        shown = [*own_click(around, clicks), *clicks] if around else clicks
        answer = self._refiner.judged(self._image, shown, self.alpha, self._key, self._prior)
        self._states.append(ObjectState(answer.alpha, answer.quality, clicks, around))
        return self.mask

    def box(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """The mask of what is in a box, instead of the one so far: bool [H, W]. Pixels, ends excluded.

        Raises:
            ValueError: empty, or not inside the image, or between its pixels.
        """
        left, top, right, bottom = _whole(left, top, right, bottom)
        height, width = self._image.shape[:2]
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            box = (left, top, right, bottom)
            raise ValueError(f"{box} is no box inside the image, which is {width} × {height}")
        return self._enclose(Box(left, top, right, bottom))

    def lasso(self, points: Sequence[tuple[int, int]]) -> np.ndarray:
        """The mask of what a line encloses, instead of the one so far: bool [H, W].

        points: pixels (x, y) along it, at least three; the last one is joined to the first.

        Raises:
            ValueError: fewer, or one outside the image or between its pixels.
        """
        height, width = self._image.shape[:2]
        if len(points) < 3:
            raise ValueError(f"{[*points]} is no lasso: it needs three points, and more to be close")
        points = [(x, y) for x, y in (_whole(*point) for point in points)]
        for x, y in points:
            if not (0 <= x < width and 0 <= y < height):
                raise ValueError(f"({x}, {y}) is outside of the image, which is {width} × {height}")
        return self._enclose(Lasso(tuple(points)))

    def _enclose(self, around: Box | Lasso) -> np.ndarray:
        answer = first_mask(around, self._refiner, self._image, self._key)
        alpha = answer.alpha.astype(np.float32) / 255
        self._states.append(ObjectState(alpha, answer.quality / 255, (), around))
        return self.mask

    def undo(self) -> np.ndarray:
        """The mask before the last click, box or lasso, bit for bit; of nothing at the beginning."""
        self._states = self._states[:-1] or self._states
        return self.mask


def _whole(*places: float) -> tuple[int, ...]:
    """Places as Python's integers, NumPy's and 3.0 too. ValueError: one lies between pixels."""
    for place in places:
        if place != int(place):
            raise ValueError(f"{place} lies between two pixels: give whole numbers")
    return tuple(map(int, places))


def read(picture: Path) -> np.ndarray:
    """A picture's pixels: uint8 RGB [H, W, 3]. ImageError where it is none, or too large."""
    return read_pixels(picture.read_bytes(), picture.name, MAX_PIXELS)


def load(checkpoint: Path | str | None = None, device: str = "auto") -> Model:
    """The shipped network, or that of a checkpoint's file; device: auto, cpu or cuda.

    Raises:
        CheckpointError: there is no such file, or it holds no network of ours.
    """
    from click99.segmentation.predictor import Predictor

    return Model(Predictor.load(None if checkpoint is None else Path(checkpoint), device))

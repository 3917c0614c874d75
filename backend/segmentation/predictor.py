"""Image + clicks + previous mask → alpha at the image's own size: zoom, network, and what the clicks demand.

Every step is a pure function of its arguments, so that replaying clicks gives the same masks bit for bit.
Only the image stream's features are kept, in a cache bounded by bytes, behind a lock; any thread may call.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from backend.segmentation.checkpoint import SHIPPED, checkpoint_version, load_checkpoint
from backend.segmentation.clicks import Click, click_maps
from backend.segmentation.network import ImageFeatures, TwoStreamNetwork

STRIDE = 32  # the network's sizes are multiples of it


@dataclass(frozen=True)
class Zoom:
    """How the network looks at an image. Sides in network pixels."""

    first_side: int = 384  # long side of the whole image at the first click
    side: int = 448  # long side of the zoomed part at later clicks
    margin: float = 0.2  # around the mask and the clicks, of the box's own size
    grid: int = 16  # steps along the image's long side that the box snaps to, so that features are reused


@dataclass(frozen=True)
class Box:
    """A part of an image: columns left…right, rows top…bottom, ends excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> tuple[slice, slice]:
        return np.s_[self.top : self.bottom, self.left : self.right]


class Predictor:
    """A network ready for clicks."""

    def __init__(
        self, network: TwoStreamNetwork, version: str, device: str = "cpu", zoom: Zoom | None = None
    ):
        self.version = version
        self.device = torch.device(device)
        self.zoom = zoom or Zoom()
        self.network = network.eval().to(self.device, memory_format=torch.channels_last)  # pyright: ignore
        self.features = FeatureCache(limit=256 * 2**20)

    @classmethod
    def load(cls, checkpoint: Path | None = None, device: str = "auto") -> Predictor:
        """The shipped network, or the one in a checkpoint file; on a GPU where there is one.

        Raises:
            CheckpointError: the file holds no network of ours.
        """
        path = checkpoint or SHIPPED
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(load_checkpoint(path), checkpoint_version(path), device)

    def prepare(self, image: np.ndarray, image_key: str) -> None:
        """Compute what the first click on this image needs, where it can be known: uint8 RGB [H, W, 3]."""
        if self.network.image_only:
            self._encode(image, image_key, whole(image), self.zoom.first_side)

    def refine(
        self, image: np.ndarray, clicks: Sequence[Click], previous: np.ndarray | None, image_key: str
    ) -> np.ndarray:
        """One click's answer.

        Args:
            image: uint8 RGB [H, W, 3].
            clicks: all so far, the last one new; at least one, all inside the image.
            previous: the alpha after all but the last, float32 [H, W] in 0…1; None before the first.
            image_key: names the image's content, for the feature cache.

        Returns:
            alpha, float32 [H, W], multiples of 1/255.
        """
        shape = image.shape[:2]
        begun = previous is not None and bool((previous > 0.5).any())
        previous = np.zeros(shape, np.float32) if previous is None else previous
        box = focus(previous, clicks, self.zoom) if begun else whole(image)
        side = self.zoom.side if begun else self.zoom.first_side
        alpha = previous.copy()
        alpha[box.area] = self._look(image, clicks, previous[box.area], image_key, box, side)
        return quantise(obey(alpha, clicks, previous))

    @torch.inference_mode()
    def _look(
        self,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray,
        image_key: str,
        box: Box,
        long_side: int,
    ) -> np.ndarray:
        """The network's alpha of one box of the image; `previous` is that of the box."""
        rows, columns = previous.shape
        height, width = network_size(rows, columns, long_side)
        sx, sy = width / columns, height / rows
        placed = [
            ((c.x + 0.5 - box.left) * sx - 0.5, (c.y + 0.5 - box.top) * sy - 0.5, c.positive) for c in clicks
        ]
        encoding = self.network.config.click_encoding
        maps = torch.from_numpy(click_maps(placed, height, width, encoding))[None].to(self.device)
        before = torch.from_numpy(scale(previous, height, width))[None, None].to(self.device)
        if self.network.image_only:
            features = self._encode(image, image_key, box, long_side)
        else:
            features = self.network.encode(self._pixels(image, box, long_side), maps, before)
        alpha, _ = self.network(features, maps, before)
        return scale(alpha[0, 0].float().cpu().numpy(), rows, columns)

    @torch.inference_mode()
    def _encode(self, image: np.ndarray, image_key: str, box: Box, long_side: int) -> ImageFeatures:
        key = (image_key, box, long_side)
        features = self.features.get(key)
        if features is None:
            features = self.network.encode(self._pixels(image, box, long_side))
            self.features.put(key, features)
        return features

    def _pixels(self, image: np.ndarray, box: Box, long_side: int) -> Tensor:
        """A box of the image as the network sees it: [1, 3, height, width] in 0…1."""
        part = image[box.area]
        pixels = scale(part, *network_size(part.shape[0], part.shape[1], long_side))
        tensor = torch.from_numpy(pixels).to(self.device).permute(2, 0, 1)[None].float() / 255
        return tensor.contiguous(memory_format=torch.channels_last)


def whole(image: np.ndarray) -> Box:
    return Box(0, 0, image.shape[1], image.shape[0])


def focus(previous: np.ndarray, clicks: Sequence[Click], zoom: Zoom) -> Box:
    """The box of the mask and all clicks with a margin, snapped outwards to a coarse grid."""
    height, width = previous.shape
    ys, xs = np.nonzero(previous > 0.5)
    step = max(1.0, max(height, width) / zoom.grid)
    left, right = _span([xs.min(), xs.max(), *(c.x for c in clicks)], width, step, zoom.margin)
    top, bottom = _span([ys.min(), ys.max(), *(c.y for c in clicks)], height, step, zoom.margin)
    return Box(left, top, right, bottom)


def _span(inside: list[int], limit: int, step: float, margin: float) -> tuple[int, int]:
    """Start and end along one axis that hold all of `inside` and the margin."""
    low, high = min(inside), max(inside) + 1
    spare = max(margin * (high - low), step)
    start, end = np.floor((low - spare) / step) * step, np.ceil((high + spare) / step) * step
    return max(0, round(start)), min(limit, round(end))


def network_size(height: int, width: int, long_side: int) -> tuple[int, int]:
    """Height and width, multiples of 32, of about the same shape with the long side as asked."""
    factor = long_side / max(height, width)
    rows, columns = (max(STRIDE, round(side * factor / STRIDE) * STRIDE) for side in (height, width))
    return rows, columns


def scale(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resized, averaging where it shrinks: [h, w] or [h, w, 3] → [height, width(, 3)]."""
    if pixels.shape[:2] == (height, width):
        return pixels
    shrinks = height * width < pixels.shape[0] * pixels.shape[1]
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def obey(alpha: np.ndarray, clicks: Sequence[Click], previous: np.ndarray) -> np.ndarray:
    """Clicked pixels get their sign; new parts that no positive click asked for go.

    The authors' inference code drops every part without a positive click. Here a part that was there before
    stays: a click that splits the mask in two must not cost the half that it did not fall into.
    """
    for click in clicks:
        alpha[click.y, click.x] = float(click.positive)
    _, parts = cv2.connectedComponents((alpha > 0.5).astype(np.uint8), connectivity=8)
    asked = [parts[click.y, click.x] for click in clicks if click.positive]
    wanted = np.union1d(np.unique(parts[previous > 0.5]), asked)
    alpha[(parts > 0) & ~np.isin(parts, wanted)] = 0
    return alpha


def quantise(alpha: np.ndarray) -> np.ndarray:
    """Rounded to multiples of 1/255, so that a copy kept as uint8 is the same mask."""
    return np.round(alpha * 255).astype(np.float32) / 255


class FeatureCache:
    """The most recently used image features, up to a number of bytes. Thread-safe."""

    def __init__(self, limit: int):
        self.limit, self.size = limit, 0
        self.kept: OrderedDict[tuple, ImageFeatures] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: tuple) -> ImageFeatures | None:
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
            return self.kept.get(key)

    def put(self, key: tuple, features: ImageFeatures) -> None:
        with self.lock:
            if key in self.kept:
                return
            self.kept[key] = features
            self.size += feature_bytes(features)
            while self.size > self.limit and len(self.kept) > 1:
                _, oldest = self.kept.popitem(last=False)
                self.size -= feature_bytes(oldest)


def feature_bytes(features: ImageFeatures) -> int:
    tensors: list[Tensor] = [features.image, features.context, *features.skips]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

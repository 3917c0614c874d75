"""The numbers in a TIFF as they are: of any width, sign and count of channels, where it is plain or deflated.

Pillow cuts coloured ones to 8 bits and mixes up two channels of 16, OpenCV leaves planes unwritten, and
neither knows 16-bit floats, integers of 64 bits or BigTIFF of rarer kinds. Scanners, microscopes and
satellites write all of them. tifffile knows them, but unpacks as much as a deflated part holds: a file of
100 MB could take all the memory there is, so it is not used here.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2

STARTS = (b"II*\0", b"MM\0*", b"II+\0")  # the last is BigTIFF
# tags
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
ORIENTATION, CHANNELS, PLANES, PREDICTOR, EXTRA, SAMPLES = 274, 277, 284, 317, 338, 339
STRIPS, STRIP_ROWS, STRIP_BYTES = 273, 278, 279
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES = 322, 323, 324, 325

PLAIN, DEFLATED = (1,), (8, 32946)
MOST = 48  # unpacked bytes of a pixel, in a part that is deflated: 24 channels of 16 bits
PARTS = 2**18  # of a picture, at most: each takes some microseconds, however small it is
PADDING = 2**24  # pixels in tiles that lie outside the picture
Tags = Mapping[int, Any]


def read_tags(data: bytes) -> dict[int, Any]:
    """Of a file's first picture, by their numbers; SyntaxError or ValueError when there are none."""
    found = ImageFileDirectory_v2(data[:16] if data[2:3] == b"+" else data[:8])
    file = BytesIO(data)
    file.seek(found.next)
    found.load(file)
    return dict(found)


def shown_channels(tags: Tags) -> int:
    """How many channels make its picture: one, or red, green and blue. The others are further bands."""
    return 1 if tags.get(CHANNELS, 1) < 3 else 3


def has_alpha(tags: Tags) -> bool:
    """Whether the channel after those is alpha, and not another band, say of infrared."""
    extra = tags.get(EXTRA, (0,))
    return tags.get(CHANNELS, 1) > shown_channels(tags) and np.atleast_1d(extra)[0] in (1, 2)


def numbers(data: bytes, tags: Tags) -> np.ndarray | None:
    """Upright, [H, W], or [H, W, C] with the channels that are shown, and alpha; None: of a kind that is not
    read here. ValueError or zlib.error when it is damaged."""
    kind = _kind(data, tags)
    if kind is None or tags.get(COMPRESSION, 1) not in (*PLAIN, *DEFLATED):
        return None
    if tags.get(PHOTOMETRIC, 1) > 2 or tags.get(FILL_ORDER, 1) != 1 or tags.get(PREDICTOR, 1) > 2:
        return None
    values = _Parts(data, tags, kind).values()
    values = values.astype(np.float32) if values.dtype == np.float16 else values  # too narrow to reckon with
    return _upright(values[..., 0] if values.shape[2] == 1 else values, tags.get(ORIENTATION, 1))


def _kind(data: bytes, tags: Tags) -> np.dtype | None:
    """Of its numbers."""
    bits, signs = {*np.atleast_1d(tags.get(BITS, 1))}, {*np.atleast_1d(tags.get(SAMPLES, 1))}
    letter = {1: "u", 2: "i", 3: "f", 4: "u"}.get(next(iter(signs)))
    if len(bits | signs) > 2 or not letter or (size := next(iter(bits))) not in (8, 16, 32, 64):
        return None
    if (letter, size) == ("f", 8):
        return None
    return np.dtype(f"{'<' if data[:2] == b'II' else '>'}{letter}{size // 8}")


class _Parts:
    """Its strips, or its tiles, each of all channels or of one plane."""

    def __init__(self, data: bytes, tags: Tags, kind: np.dtype):
        self._data, self._tags, self._kind = data, tags, kind
        self._width, self._height = tags[WIDTH], tags[HEIGHT]
        self._channels = tags.get(CHANNELS, 1)
        self._planes = self._channels if tags.get(PLANES) == 2 else 1
        self._tiled = TILES in tags
        rows = tags.get(STRIP_ROWS, self._height) or self._height
        self._wide = tags[TILE_WIDTH] if self._tiled else self._width
        self._high = tags[TILE_HEIGHT] if self._tiled else min(rows, self._height)
        self._check()
        offsets, counts = (TILES, TILE_BYTES) if self._tiled else (STRIPS, STRIP_BYTES)
        lengths = np.atleast_1d(tags.get(counts, len(data))).tolist()
        self._stored = list(zip(np.atleast_1d(tags[offsets]).tolist(), lengths, strict=False))

    def _check(self) -> None:
        """ValueError where a part's size, or all of theirs, has nothing to do with the picture's."""
        if min(self._width, self._height, self._wide, self._high, self._channels) <= 0:
            raise ValueError(f"damaged: parts of {self._wide} × {self._high}, {self._channels} channels")
        pixels, across, down = self._width * self._height, -(-self._width // self._wide), self._down
        if self._wide * self._high > 4 * pixels + 2**20:
            raise ValueError(f"damaged: parts of {self._wide} × {self._high}")
        if across * down > PARTS or across * self._wide * down * self._high > 4 * pixels + PADDING:
            raise ValueError(
                f"{across * down} parts of {self._wide} × {self._high}: save it in strips of many rows"
            )

    @property
    def _down(self) -> int:
        """How many parts are below each other."""
        return -(-self._height // self._high)

    def values(self) -> np.ndarray:
        """[H, W, C]."""
        channels = shown_channels(self._tags) + has_alpha(self._tags)
        whole = np.empty((self._height, self._width, channels), self._kind.newbyteorder("="))
        across, down = -(-self._width // self._wide), self._down
        for plane in range(min(self._planes, channels)):
            into = whole if self._planes == 1 else whole[..., plane : plane + 1]
            for row in range(down):
                for column in range(across):
                    top, left = row * self._high, column * self._wide
                    place = into[top : top + self._high, left : left + self._wide]
                    part = self._part((plane * down + row) * across + column, len(place))
                    place[:] = part[: place.shape[0], : place.shape[1], : place.shape[2]]
        return whole

    def _part(self, number: int, rows: int) -> np.ndarray:
        """[rows of it, its width, C]; the last strip has only the rows that are left."""
        shape = self._high if self._tiled else rows, self._wide, self._channels // self._planes
        size = int(np.prod(shape)) * self._kind.itemsize
        values = np.frombuffer(self._bytes(number, size), self._kind, int(np.prod(shape))).reshape(shape)
        if self._tags.get(PREDICTOR, 1) == 2:  # of whole numbers, also where these are floats' bits
            whole = np.dtype(f"u{self._kind.itemsize}")
            values = values.view(whole.newbyteorder(self._kind.byteorder)).astype(whole)
            return np.cumsum(values, axis=1, dtype=whole).view(self._kind.newbyteorder("="))
        return values

    def _bytes(self, number: int, size: int) -> bytes:
        if number >= len(self._stored):
            raise ValueError("damaged: parts are missing")
        start, length = self._stored[number]
        stored = self._data[start : start + length]
        if self._tags.get(COMPRESSION, 1) in PLAIN:
            return stored
        if size > MOST * (self._width * self._height + 2**20):
            raise ValueError(f"{self._channels} channels, deflated: keep those to look at, or save it plain")
        return zlib.decompressobj().decompress(stored, size)


def _upright(values: np.ndarray, orientation: int) -> np.ndarray:
    values = values.swapaxes(0, 1) if orientation >= 5 else values
    values = values[:, ::-1] if orientation in (2, 3, 6, 7) else values
    return values[::-1] if orientation in (3, 4, 7, 8) else values

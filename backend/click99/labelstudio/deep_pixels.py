"""Pictures of more than 8 bits a channel (16-bit PNG; 16-bit, signed, 32-bit and float TIFF), as 8 bits.

Cameras, microscopes and DICOM exports use a part of that range only: cut to 8 bits they are black. So a
picture is scaled by what it holds itself, and the same bytes are the same pixels everywhere.
"""

from __future__ import annotations

import sys
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, ImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

STRAY = 0.1  # percent of the values at either end that do not count: hot and dead pixels
NO_VALUE = 1e30  # floats from here on, of either sign, are none; nor is the lowest integer of a signed type
ROWS = 256  # scaled at a time
TIFF = (b"II*\0", b"MM\0*")
# a TIFF's tags
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
OFFSETS, ORIENTATION, CHANNELS, COUNTS, PLANES, SAMPLES = 273, 274, 277, 279, 284, 339

# Who reads a damaged file reports it. OpenCV 4.14 has the function elsewhere than 4.12.
getattr(cv2.utils, "logging", cv2).setLogLevel(0)


def scaled(values: np.ndarray) -> np.ndarray:
    """Numbers of any type, [H, W] or [H, W, C] -> uint8: what they span, but for stray ones, is 0 to 255.

    A picture of one value stays one.
    """
    low, high = _span(values)
    if low == high:
        grey = low if values.dtype.kind == "f" or values.itemsize == 1 else low // 256
        return np.full(values.shape, np.clip(grey, 0, 255), np.uint8)
    pixels = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), ROWS):
        part = (values[start : start + ROWS].astype(np.float64) - low) * (255 / (high - low))
        pixels[start : start + ROWS] = np.rint(np.clip(np.nan_to_num(part), 0, 255))
    return pixels


def _span(values: np.ndarray) -> tuple[float, float]:
    """The lowest and the highest value, without stray ones. They are the same only where all values are."""
    if values.dtype.kind == "f":
        values = values[np.abs(values) < NO_VALUE]
    elif values.dtype.kind == "i":  # Pillow reads int16 as int32
        values = values[(values != -(2**15)) & (values != -(2**31))]
    if not values.size:
        return 0.0, 0.0
    low, high = np.percentile(values, (STRAY, 100 - STRAY), method="nearest")
    if low == high:
        low, high = values.min(), values.max()
    return float(low), float(high)


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether an opened, not yet loaded image has more than 8 bits, or signed ones.

    Pillow cuts coloured ones to 8 bits, and reads signed ones of 8 as unsigned. CMYK stays cut.
    """
    if tags := tags_of(image):
        return image.mode != "CMYK" and (max(tags.get(BITS, (1,))) > 8 or tags.get(SAMPLES) == (2,))
    return image.mode[0] == "I" or (bool(image.tile) and ";16" in str(image.tile[0].args))


def eight_bits(image: Image.Image, data: bytes, tags: dict) -> Image.Image:
    """A loaded deep image -> one of 8 bits, grey, RGB or RGBA. data: its file; tags: those before loading."""
    grey = image.mode in ("L", "F") or image.mode.startswith("I")
    values = np.asarray(image) if grey else _read_colours(data, tags)
    if values.dtype == np.int32 and tags and tags.get(SAMPLES, (1,)) == (1,):
        values = values.view(np.uint32)
    if values.dtype == np.uint8:
        values = values.view(np.int8)
    found = _shown(values, tags)
    if "exif" in image.info and not tags:  # Pillow and OpenCV turn TIFF upright by themselves
        found.info["exif"] = image.info["exif"]
    return found


def tags_of(image: Image.Image) -> dict:
    """A TIFF's, by their numbers; a loaded one is upright, and has lost its orientation."""
    return dict(getattr(image, "tag_v2", {}))


class Tiff:
    """One that Pillow does not know: of 16- or 64-bit floats, or signed, float or 32-bit colours."""

    def __init__(self, data: bytes) -> None:
        self._data, self._tags = data, ImageFileDirectory_v2(data[:8])
        file = BytesIO(data)
        file.seek(self._tags.next)
        self._tags.load(file)

    @property
    def size(self) -> tuple[int, int]:
        return self._tags[WIDTH], self._tags[HEIGHT]

    def eight_bits(self) -> Image.Image:
        """ValueError when it is damaged, or of no kind that is read."""
        return _shown(_read_colours(self._data, dict(self._tags)), dict(self._tags))


def _read_colours(data: bytes, tags: dict) -> np.ndarray:
    """A file's numbers as they are, upright, [H, W] or [H, W, 3 or 4] with red first."""
    if tags.get(PLANES) != 2:  # of planes OpenCV leaves memory unwritten
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if values is not None:
            return values if values.ndim == 2 else values[..., [2, 1, 0, 3][: values.shape[2]]]
    if OFFSETS in tags and tags.get(COMPRESSION, 1) == 1 and tags.get(CHANNELS, 1) in (1, 3, 4):
        return _read_strips(data, tags)
    raise ValueError("damaged, or numbers of a kind that is not read")


def _read_strips(data: bytes, tags: dict) -> np.ndarray:
    """The same of an uncompressed TIFF, for what OpenCV does not know: planes, 16-bit floats, uint32."""
    strips = zip(*(np.atleast_1d(tags[tag]) for tag in (OFFSETS, COUNTS)), strict=True)
    kind = "uif"[tags.get(SAMPLES, (1,))[0] - 1] + str(tags[BITS][0] // 8)
    numbers = np.frombuffer(b"".join(data[start : start + size] for start, size in strips), kind)
    numbers = numbers.byteswap() if (data[:2] == b"MM") == (sys.byteorder == "little") else numbers
    numbers = numbers.astype(np.float32) if kind == "f2" else numbers
    height, width, channels = tags[HEIGHT], tags[WIDTH], tags.get(CHANNELS, 1)
    if tags.get(PLANES) == 2:
        values = np.moveaxis(numbers.reshape(channels, height, width), 0, -1)
    else:
        values = numbers.reshape(height, width, channels)
    return _upright(values[..., 0] if channels == 1 else values, tags.get(ORIENTATION, 1))


def _upright(values: np.ndarray, orientation: int) -> np.ndarray:
    values = values.swapaxes(0, 1) if orientation >= 5 else values
    values = values[:, ::-1] if orientation in (2, 3, 6, 7) else values
    return values[::-1] if orientation in (3, 4, 7, 8) else values


def _shown(values: np.ndarray, tags: dict) -> Image.Image:
    if values.ndim == 3 and values.shape[2] == 4:
        return Image.fromarray(np.dstack([scaled(values[..., :3]), _alpha(values[..., 3])]))
    pixels = scaled(values)
    return Image.fromarray(255 - pixels if tags.get(PHOTOMETRIC) == 0 else pixels)  # 0: the lowest is white


def _alpha(values: np.ndarray) -> np.ndarray:
    """Its range is the type's, or 0 to 1."""
    most = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1.0
    return np.rint(np.clip(np.nan_to_num(values / most), 0, 1) * 255).astype(np.uint8)

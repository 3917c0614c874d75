"""Pictures of more than 8 bits a channel (16-bit PNG; 16-bit, signed, 32-bit and float TIFF), as 8 bits.

Cameras, microscopes and DICOM exports use a part of that range only: cut to 8 bits they are black. So a
picture is scaled by what it holds itself, and the same bytes are the same pixels everywhere.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageFile

from click99.labelstudio.tiff import BITS, CHANNELS, PHOTOMETRIC, PLANES, SAMPLES, has_alpha, numbers

STRAY = 0.1  # percent of the values at either end that do not count: hot and dead pixels
NO_VALUE = 1e30  # floats from here on, of either sign, are none; nor is the lowest integer of a signed type
ROWS = 256  # scaled at a time
NOT_READ = "damaged, or numbers of a kind that is not read: save it uncompressed or deflated"

# Who reads a damaged file reports it. OpenCV 4.14 has the function elsewhere than 4.12.
getattr(cv2.utils, "logging", cv2).setLogLevel(0)


def scaled(values: np.ndarray) -> np.ndarray:
    """Numbers of any type, [H, W] or [H, W, C] -> uint8: what they span, but for stray ones, is 0 to 255.

    A picture of one value stays one, and one of 8 bits as it is.
    """
    if values.dtype == np.uint8:
        return values
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


def tags_of(image: Image.Image) -> dict:
    """A TIFF's, by their numbers; a loaded one is upright, and has lost its orientation."""
    return dict(getattr(image, "tag_v2", {}))


def eight_bits(image: ImageFile.ImageFile, data: bytes) -> Image.Image:
    """An opened deep image -> one of 8 bits, grey, RGB or RGBA, a TIFF upright. data: its file. OSError or
    ValueError when it is damaged."""
    if tags := tags_of(image):
        return shown_tiff(data, tags, image)
    image.load()
    grey = image.mode in ("L", "F") or image.mode.startswith("I")
    found = _shown(np.asarray(image) if grey else _by_opencv(data), {})
    if "exif" in image.info:
        found.info["exif"] = image.info["exif"]
    return found


def shown_tiff(data: bytes, tags: dict, image: Image.Image | None = None) -> Image.Image:
    """A TIFF -> as `eight_bits`. image: opened by Pillow, if that knows its kind."""
    values = numbers(data, tags)
    if values is None:
        values = _by_others(data, tags, image)
    return _shown(values, tags)


def _by_others(data: bytes, tags: dict, image: Image.Image | None) -> np.ndarray:
    """The numbers of one that is compressed otherwise, upright: by libtiff."""
    if image is None or tags.get(CHANNELS, 1) > 1:
        if tags.get(CHANNELS, 1) not in (1, 3, 4) or tags.get(PLANES) == 2:  # of planes OpenCV leaves memory
            raise ValueError(NOT_READ)  # unwritten
        return _by_opencv(data)
    image.load()
    values = np.asarray(image)
    if values.dtype == np.int32 and tags.get(SAMPLES, (1,)) == (1,):
        return values.view(np.uint32)
    return values.view(np.int8) if values.dtype == np.uint8 else values


def _by_opencv(data: bytes) -> np.ndarray:
    """[H, W] or [H, W, 3 or 4] with red first."""
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise ValueError(NOT_READ)
    return values if values.ndim == 2 else values[..., [2, 1, 0, 3][: values.shape[2]]]


def _shown(values: np.ndarray, tags: dict) -> Image.Image:
    """tags: {} of a PNG, whose last channel of four is alpha."""
    colours = values.shape[2] if values.ndim == 3 else 1
    if colours in (2, 4):
        ground = scaled(values[..., 0] if colours == 2 else values[..., :3])
        if tags and not has_alpha(tags):
            return Image.fromarray(ground)
        return Image.fromarray(np.dstack([ground, _alpha(values[..., -1])]))
    pixels = scaled(values)
    return Image.fromarray(255 - pixels if tags.get(PHOTOMETRIC) == 0 else pixels)  # 0: the lowest is white


def _alpha(values: np.ndarray) -> np.ndarray:
    """Its range is the type's, or 0 to 1."""
    most = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1.0
    return np.rint(np.clip(np.nan_to_num(values / most), 0, 1) * 255).astype(np.uint8)

"""From an image file's bytes to pixels, as a browser shows them."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO

import numpy as np
from PIL import Image, ImageFile, ImageOps

from click99.budget import Budget, NoRoomError
from click99.labelstudio.deep_pixels import eight_bits, is_deep, shown_tiff, tags_of
from click99.labelstudio.errors import ImageTooLargeError, ImageUnreadableError
from click99.labelstudio.tiff import CHANNELS, HEIGHT, STARTS, WIDTH, has_alpha, read_tags

MAX_PIXELS = 178_000_000  # of an image; above it Pillow suspects a bomb
SMALLER = "make it smaller, or cut it into tiles (docs/how-to/large-pictures.md)"
UNPACKED = Budget(2**30)
BYTES_PER_PIXEL = 16  # while an image is unpacked, at most
DEEP = 48  # the same of one with more than 8 bits
NEEDED = 8  # of them are taken in any case: Pillow's four, the array's three, and a grey one
ROWS = 256  # copied at a time
ELSEWHERE = ("xmp", "XML:com.adobe.xmp", "Raw profile type exif")  # that may tell an orientation
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")  # no others: some run programs
ENDS = [filler * 64 + b"\xff\xd9" for filler in (b"\0", b"\x55")]  # of a JPEG that has none

# Pictures that Pillow finds large are refused by our own limit, or read: people need no line of its warning.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def read_pixels(data: bytes, name: str, max_pixels: int) -> np.ndarray:
    """An image file -> uint8 RGB [H, W, 3], read-only, EXIF orientation applied.

    Of an animation the first frame; transparency on white; more than 8 bits are scaled (deep_pixels.py).
    name: for messages.
    ImageTooLargeError above max_pixels, before they are unpacked; ImageUnreadableError for anything else.
    """
    try:
        pixels = _unpack(data, name, max_pixels)
    except ImageTooLargeError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name, int(re.findall(r"\d+", str(error))[0]), max_pixels) from None
    except MemoryError as error:
        raise no_memory(name, error) from None
    except Exception as error:  # Pillow's decoders raise a dozen kinds
        problem = f"{name} is no readable image: {_reason(error, data)}"
        remedy = "Import it whole, as JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF; SVG is not read"
        raise ImageUnreadableError("image", problem, remedy) from None
    pixels.setflags(write=False)
    return pixels


def _unpack(data: bytes, name: str, max_pixels: int) -> np.ndarray:
    try:
        opened = Image.open(BytesIO(data), formats=FORMATS)
    except Image.UnidentifiedImageError:
        if not data.startswith(STARTS):
            raise
        tags = read_tags(data)
        with _room((tags[WIDTH], tags[HEIGHT]), name, max_pixels, DEEP):
            return _array(_as_rgb(shown_tiff(data, tags)))
    with opened as image:
        deep, tags, turned = is_deep(image), tags_of(image), image.format != "WEBP"
        with _room(image.size, name, max_pixels, DEEP if deep else BYTES_PER_PIXEL):
            whole = eight_bits(image, data) if deep else _loaded(image, data)
            if whole.mode == "RGBA" and tags.get(CHANNELS, 1) > 3 and not has_alpha(tags):
                whole = whole.convert("RGB")  # without another band that Pillow takes for alpha
            return _array(_as_rgb(_upright(whole) if turned else whole))


def _loaded(image: ImageFile.ImageFile, data: bytes) -> Image.Image:
    """Of a JPEG only the mark of its end may be missing: then what comes after does not matter."""
    try:
        image.load()
    except OSError:
        if image.format not in ("JPEG", "MPO"):
            raise
        one, other = (Image.open(BytesIO(data.rstrip(b"\xff") + end), formats=FORMATS) for end in ENDS)
        if not np.array_equal(np.asarray(one), np.asarray(other)):
            raise
        return one
    return image


@contextmanager
def _room(size: tuple[int, int], name: str, max_pixels: int, bytes_per_pixel: int) -> Iterator[None]:
    _check_size(size, name, max_pixels)
    pixels = size[0] * size[1]
    with UNPACKED.taking(bytes_per_pixel * pixels, NEEDED * pixels):
        yield


def _check_size(size: tuple[int, int], name: str, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise _too_large(f"{name} ({width} × {height})", width * height, max_pixels)


def _too_large(name: str, pixels: int, max_pixels: int) -> ImageTooLargeError:
    has = f"{name} has {pixels / 1e6:.4g} million pixels"
    if pixels > MAX_PIXELS:
        problem = f"{has}, and {MAX_PIXELS / 1e6:.0f} are the most that is read"
        return ImageTooLargeError("image", problem, SMALLER.capitalize())
    problem = f"{has}, and {max_pixels / 1e6:.4g} are allowed"
    setting = f"CLICK99_IMAGE_MEGAPIXELS={math.ceil(pixels / 1e6)}"
    return ImageTooLargeError("image", problem, f"Set {setting}, or {SMALLER}")


def no_memory(subject: str, error: MemoryError) -> ImageTooLargeError:
    """What `subject` needs: as `Budget.taking` tells it, or as whoever could not have it."""
    told = str(error) or "more than there is"
    needs = told if isinstance(error, NoRoomError) else f"needs more memory than is free ({told})"
    return ImageTooLargeError("image", f"{subject} {needs}", f"Give click99 more memory, or {SMALLER}")


def _upright(image: Image.Image) -> Image.Image:
    """As its EXIF says. Pillow looks elsewhere, too, where browsers do not."""
    for elsewhere in ELSEWHERE:
        image.info.pop(elsewhere, None)
    with suppress(Exception):  # browsers show an image with broken EXIF data as it is
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _array(image: Image.Image) -> np.ndarray:
    """Some rows at a time: `np.asarray` of a whole image takes twice the room of the array."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, ROWS):
        end = min(top + ROWS, image.height)
        pixels[top:end] = np.asarray(image.crop((0, top, image.width, end)))
    return pixels


def _reason(error: Exception, data: bytes) -> str:
    if not data:
        return "it is empty"
    if data[4:8] == b"ftyp" and b"hei" in data[8:64]:
        return "it is HEIC, which browsers do not show either"
    if data.lstrip()[:1] in (b"<", b"{"):
        return "it is text (HTML, JSON, SVG), perhaps a page to log in or an error"
    if isinstance(error, Image.UnidentifiedImageError | LookupError):
        return f"of no known format, damaged, or 0 pixels wide or high ({len(data)} bytes)"
    return str(error) or type(error).__name__

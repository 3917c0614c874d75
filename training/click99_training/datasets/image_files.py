"""Images and masks from files, and what to say when one cannot be used."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from click99.labelstudio.errors import ImageError
from click99.labelstudio.pixels import FORMATS, read_pixels
from click99_training.datasets.sample import Sample

MOST_PIXELS = 8192 * 8192  # of one image, as the server's default
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".avif"}
VOID = (50, 200)  # values of a grey mask between them are neither object nor background


class File(Protocol):
    """What is read of a path, or of something else that holds a file."""

    @property
    def name(self) -> str: ...

    @property
    def stem(self) -> str: ...

    def read_bytes(self) -> bytes: ...


class SampleError(ValueError):
    """One sample that cannot be used: it is skipped and named, and the run goes on."""

    def __init__(self, file: File | str, reason: str):
        super().__init__(file, reason)
        self.file, self.reason = str(file), reason

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


def read_image(path: File) -> np.ndarray:
    """Any image file as the server would see it: uint8 RGB [H, W, 3], EXIF orientation applied.

    Grey, palette, CMYK and 16-bit images become 8-bit RGB, transparency becomes white. SampleError otherwise.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of damaged metadata, say
            return read_pixels(_bytes(path), "it", MOST_PIXELS)
    except ImageError as error:
        raise SampleError(path, error.problem) from None


def read_mask(path: File, *, indices: bool = False) -> np.ndarray:
    """A mask's values, uint8 [H, W]; colours and 16 bits are made 8-bit grey, and 0/1 becomes 0/255.

    Args:
        indices: the numbers that are stored, such as a palette's, instead of how bright they look.
    """
    image = _open(path)
    return _stored(image, path) if indices else _brightness(image, path)


def read_rgba(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A cut-out: uint8 RGB [H, W, 3], also where it is transparent, and its alpha, uint8 [H, W]."""
    image = _open(path)
    if not image.has_transparency_data:
        raise SampleError(path, "it has no alpha channel: cut objects out with click99 compose")
    pixels = np.asarray(image.convert("RGBA"))
    return pixels[..., :3], pixels[..., 3]


def sample_of(
    name: str, path: File, truth: np.ndarray, void: np.ndarray | None = None, alpha: np.ndarray | None = None
) -> Sample:
    """The image at `path` with one object's truth; SampleError where they do not fit or it is empty."""
    image = read_image(path)
    if image.shape[:2] != truth.shape:
        sizes = [f"{width} × {height}" for height, width in (truth.shape, image.shape[:2])]
        raise SampleError(name, f"its mask is {sizes[0]}, the image {path.name} (upright) {sizes[1]}")
    void = np.zeros(truth.shape, bool) if void is None else void
    if not (truth & ~void).any():
        raise SampleError(name, "every pixel is ignored" if void.all() else "the mask is empty")
    return Sample(name, image, truth & ~void, void, alpha)


def grey_truth(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Truth and void, bool [H, W], of a grey mask: 255 object, 0 background, the band between them void."""
    return values > VOID[1], (values > VOID[0]) & (values <= VOID[1])


def need(path: Path, what: str) -> Path:
    """`path`, or FileNotFoundError that says what should be there."""
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: {what}")
    return path


def images_in(folder: Path, *, subfolders: bool = False) -> list[Path]:
    """The image files of a folder by their names; other files, and hidden ones that macOS adds, left out."""
    paths = folder.rglob("*") if subfolders else folder.iterdir()
    return sorted(path for path in paths if path.suffix.lower() in SUFFIXES and path.name[0] != ".")


def _bytes(path: File) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SampleError(path, error.strerror or "cannot be read") from None


def _open(path: File) -> Image.Image:
    data = _bytes(path)
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
        image.load()
        return image
    except Exception as error:  # Pillow's decoders raise a dozen kinds
        raise SampleError(path, f"it is no readable image: {error}") from None


def _stored(image: Image.Image, path: File) -> np.ndarray:
    values = np.asarray(image)
    if values.ndim != 2 or values.dtype != np.uint8:
        raise SampleError(path, f"instances need one 8-bit channel, this is {image.mode}")
    return values


def _brightness(image: Image.Image, path: File) -> np.ndarray:
    if image.mode == "F":
        raise SampleError(path, "masks of fractions are not read: save it with values 0 to 255")
    if image.mode.startswith("I"):  # 16 bits
        values = (np.clip(np.asarray(image), 0, 65535) / 257).round().astype(np.uint8)
    else:
        if image.has_transparency_data:  # what is transparent is no object
            image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA"))
        values = np.asarray(image.convert("L"))
    return values * np.uint8(255) if values.max(initial=0) == 1 else values

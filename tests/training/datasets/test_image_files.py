"""Odd files are read as what they show; broken ones are named."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from click99_training.datasets.folders import MaskFolder
from click99_training.datasets.image_files import SampleError, read_image, read_mask, read_rgba
from tests.training.samples import HEIGHT, RAMP, SQUARE, WIDTH, folder_of, mask


def rgb(mode: str) -> Image.Image:
    return Image.fromarray(np.dstack([RAMP] * 3)).convert(mode)


IMAGES: dict[str, tuple[str, Callable[[], Image.Image]]] = {
    "grey": ("png", lambda: rgb("L")),
    "palette": ("png", lambda: rgb("L").convert("P")),
    "opaque RGBA": ("png", lambda: rgb("RGBA")),
    "grey with alpha": ("png", lambda: rgb("LA")),
    "CMYK": ("tif", lambda: rgb("CMYK")),
    "CMYK as printers save it": ("jpg", lambda: rgb("CMYK")),
    "16 bits": ("png", lambda: Image.fromarray(RAMP.astype(np.uint16) * 257)),
    "WebP": ("webp", lambda: rgb("RGB")),
}


@pytest.mark.parametrize(("suffix", "make"), IMAGES.values(), ids=IMAGES)
def test_images_of_any_mode_become_rgb(tmp_path: Path, suffix: str, make: Callable[[], Image.Image]):
    path = tmp_path / f"ramp.{suffix}"
    make().save(path, lossless=True)
    pixels = read_image(path)
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels.astype(int), np.dstack([RAMP] * 3), atol=5 if suffix == "jpg" else 1)


def test_the_exif_orientation_is_applied_before_image_and_mask_are_compared(tmp_path: Path):
    folder_of(tmp_path, {"turned": mask(SQUARE)})
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: upright after a quarter turn to the right
    lying = np.rot90(np.dstack([RAMP] * 3))
    (tmp_path / "images" / "turned.png").unlink()
    Image.fromarray(lying).save(tmp_path / "images" / "turned.jpg", exif=exif, quality=100, subsampling=0)
    (sample,) = MaskFolder(tmp_path)
    np.testing.assert_allclose(sample.image.astype(int), np.dstack([RAMP] * 3), atol=6)


MASKS: dict[str, Callable[[], Image.Image]] = {
    "grey": lambda: Image.fromarray(mask(SQUARE)),
    "0 and 1": lambda: Image.fromarray(mask(SQUARE) // 255),
    "bits": lambda: Image.fromarray(mask(SQUARE)).convert("1"),
    "RGB": lambda: Image.fromarray(mask(SQUARE)).convert("RGB"),
    "RGBA": lambda: Image.fromarray(mask(SQUARE)).convert("RGBA"),
    "drawn in the alpha channel": lambda: Image.fromarray(
        np.dstack([np.full((HEIGHT, WIDTH, 3), 255, np.uint8), mask(SQUARE)])
    ),
    "16 bits": lambda: Image.fromarray(mask(SQUARE).astype(np.uint16) * 257),
    "palette": lambda: Image.fromarray(mask(SQUARE)).convert("RGB").quantize(2),
}


@pytest.mark.parametrize("make", MASKS.values(), ids=MASKS)
def test_masks_of_any_mode_say_the_same(tmp_path: Path, make: Callable[[], Image.Image]):
    make().save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), mask(SQUARE))


@given(
    kind=st.sampled_from(["PNG", "JPEG", "TIFF", "WEBP", "BMP"]),
    percent=st.integers(0, 100),
    noise=st.binary(max_size=40),
    cut=st.booleans(),
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # a damaged size
def test_no_damage_to_a_file_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, kind: str, percent: int, noise: bytes, cut: bool
):
    written = BytesIO()
    rgb("L").save(written, kind)
    data = written.getvalue()
    at = len(data) * percent // 100
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data[:at] + noise + (b"" if cut else data[at + len(noise) :]))
    for read in (read_image, read_mask, read_rgba):
        with suppress(SampleError):
            read(path)


@pytest.mark.parametrize("pixels", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint16)])
def test_instances_in_anything_but_one_byte_are_refused(tmp_path: Path, pixels: np.ndarray):
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    with pytest.raises(SampleError, match="instances need one 8-bit channel"):
        read_mask(tmp_path / "mask.png", indices=True)


def test_fractions_are_refused_rather_than_read_as_empty(tmp_path: Path):
    Image.fromarray(mask(SQUARE).astype(np.float32) / 255).save(tmp_path / "mask.tif")
    with pytest.raises(SampleError, match="save it with values 0 to 255"):
        read_mask(tmp_path / "mask.tif")


def test_a_cut_out_without_alpha_is_refused(tmp_path: Path):
    rgb("RGB").save(tmp_path / "cup.png")
    with pytest.raises(SampleError, match=r"cup\.png: it has no alpha channel"):
        read_rgba(tmp_path / "cup.png")

"""Image files of every sort that a browser shows, and bytes that are none."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from click99.labelstudio.errors import ImageError, ImageTooLargeError, ImageUnreadableError
from click99.labelstudio.pixels import MAX_PIXELS, ROWS, read_pixels
from tests.labelstudio.site import encoded, picture

RED, WHITE = (255, 0, 0), (255, 255, 255)


def read(data: bytes, max_pixels: int = 10**6) -> np.ndarray:
    return read_pixels(data, "picture.png", max_pixels)


def left_red() -> Image.Image:
    """4 wide, 2 high: the left half red, the right half white."""
    image = Image.new("RGB", (4, 2), WHITE)
    ImageDraw.Draw(image).rectangle((0, 0, 1, 1), RED)
    return image


def test_rgb_height_first_and_read_only():
    pixels = read(picture(6, 4))
    assert (pixels.shape, pixels.dtype) == ((4, 6, 3), np.uint8)
    assert (pixels == RED).all()
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0] = 0


def test_pillow_s_warning_of_large_pictures_is_not_for_people(tmp_path: Path):
    """It comes when the size is read, before anything is unpacked."""
    Image.new("1", (10_400, 10_000)).save(file := tmp_path / "large.png")
    code = "import sys; from pathlib import Path; from click99.labelstudio import pixels\n"
    code += "try: pixels.read_pixels(Path(sys.argv[1]).read_bytes(), 'large.png', 100)\n"
    code += "except pixels.ImageTooLargeError: print('read')"
    command = [sys.executable, "-W", "default", "-c", code, str(file)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("read\n", "")


def test_a_tall_picture_is_copied_in_parts_and_whole():
    """Pillow's own memory is not counted here; `np.asarray` of a whole picture takes the array's thrice."""
    noise = np.random.default_rng(0).integers(0, 256, (8 * ROWS + 7, 300, 3), np.uint8)
    data = encoded(Image.fromarray(noise), "BMP")
    tracemalloc.start()
    pixels = read(data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(pixels, noise)
    assert most < 2 * pixels.nbytes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_formats(kind: str):
    pixels = read(encoded(Image.new("RGB", (16, 16), RED), kind))
    assert np.abs(pixels.astype(int) - RED).max() < 4


@pytest.mark.parametrize(
    ("orientation", "red"),
    [
        (1, np.s_[:, :2]),
        (2, np.s_[:, 2:]),
        (3, np.s_[:, 2:]),
        (4, np.s_[:, :2]),
        (5, np.s_[:2, :]),
        (6, np.s_[:2, :]),
        (7, np.s_[2:, :]),
        (8, np.s_[2:, :]),
    ],
)
def test_exif_orientation_is_applied(orientation: int, red: Any):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = read(encoded(left_red(), "PNG", exif=exif))
    assert pixels.shape[:2] == ((2, 4) if orientation < 5 else (4, 2))
    assert (pixels[red] == RED).all()
    assert (pixels == RED).all(axis=2).mean() == 0.5


@pytest.mark.parametrize("orientation", [3, 6])
def test_webp_stays_as_it_is_stored(orientation: int):
    """As browsers show it (tried in Chromium), other than JPEG, PNG and AVIF."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = read(encoded(left_red(), "WEBP", exif=exif, lossless=True))
    assert (pixels[:, :2] == RED).all()
    assert pixels.shape == (2, 4, 3)


XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/' tiff:Orientation=\"6\"/>"
RAW = "\nexif\n      34\n" + (b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0").hex() + "\n"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "AVIF", "PNG of ImageMagick"])
def test_an_orientation_that_browsers_do_not_read(kind: str):
    """In XMP, and as ImageMagick kept EXIF in a PNG before that had a place for it (tried in Chromium)."""
    notes = PngImagePlugin.PngInfo()
    if kind == "PNG":
        notes.add_itxt("XML:com.adobe.xmp", XMP.decode())
    elif kind.startswith("PNG"):
        notes.add_text("Raw profile type exif", RAW, zip=True)
    told: dict[str, Any] = {"pnginfo": notes} if kind.startswith("PNG") else {"xmp": XMP}
    file = encoded(left_red(), kind.split()[0], **told)
    assert Image.open(io.BytesIO(file)).getexif()[0x0112] == 6, "Pillow reads it"
    assert read(file).shape == (2, 4, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_ignored():
    pixels = read(encoded(left_red(), "JPEG", quality=95, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\0\0"))
    assert pixels.shape == (2, 4, 3)


def sixteen_bits(value: int) -> Image.Image:
    return Image.fromarray(np.full((2, 3), value, np.uint16))


@pytest.mark.parametrize(
    ("image", "kind", "colour"),
    [
        (Image.new("L", (3, 2), 77), "PNG", (77, 77, 77)),
        (Image.new("1", (3, 2), 1), "PNG", WHITE),
        (Image.new("RGB", (3, 2), RED).quantize(4), "PNG", RED),
        (Image.new("CMYK", (3, 2), (0, 255, 255, 0)), "TIFF", RED),
        (Image.new("RGBA", (3, 2), (255, 0, 0, 255)), "PNG", RED),
        (Image.new("RGBA", (3, 2), (0, 0, 0, 0)), "PNG", WHITE),
        (Image.new("LA", (3, 2), (0, 0)), "PNG", WHITE),
        (sixteen_bits(0x4D00), "PNG", (77, 77, 77)),
        (sixteen_bits(0xFFFF), "TIFF", WHITE),
        (Image.new("F", (3, 2), 77), "TIFF", (77, 77, 77)),
        (Image.new("I", (3, 2), 0x4D00), "TIFF", (77, 77, 77)),
    ],
    ids=[
        "grey",
        "1 bit",
        "palette",
        "CMYK",
        "RGBA",
        "clear",
        "grey alpha",
        "16-bit PNG",
        "16-bit TIFF",
        "float",
        "32-bit",
    ],
)
def test_modes(image: Image.Image, kind: str, colour: tuple[int, int, int]):
    pixels = read(encoded(image, kind))
    assert pixels.shape == (2, 3, 3)
    assert (pixels == colour).all()


def test_cmyk_jpeg():
    pixels = read(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    assert np.abs(pixels.astype(int) - RED).max() < 4


def test_a_clear_palette_colour_is_white():
    image = Image.new("P", (3, 2), 0)
    image.putpalette([0, 0, 0, *RED])
    assert (read(encoded(image, "PNG", transparency=0)) == WHITE).all()


JPEGS: list[dict[str, Any]] = [{}, {"progressive": True}, {"restart_marker_blocks": 3}, {"quality": 95}]


@pytest.mark.parametrize("options", JPEGS, ids=str)
@pytest.mark.parametrize("kind", ["L", "RGB", "CMYK"])
def test_a_jpeg_without_the_mark_of_its_end(kind: str, options: dict[str, Any]):
    data = encoded(Image.effect_noise((67, 45), 60).convert(kind), "JPEG", **options)
    assert data.endswith(b"\xff\xd9")
    for open_end in (data[:-1], data[:-2], data[:-2] + bytes(500)):
        assert (read(open_end) == read(data)).all()
    for cut in (20, 300):
        with pytest.raises(ImageUnreadableError, match="truncated"):
            read(data[:-cut])


def test_avif_is_upright_and_has_a_ground():
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = read(encoded(left_red().resize((64, 32), 0), "AVIF", exif=exif, quality=95))
    assert pixels.shape == (64, 32, 3)
    assert np.abs(pixels[:24].astype(int) - RED).max() < 30
    clear = encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "AVIF")
    assert (read(clear) > 250).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_several(kind: str):
    frames = [Image.new("RGB", (3, 2), colour) for colour in ("red", "blue")]
    data = encoded(
        frames[0],
        kind,
        save_all=True,
        append_images=frames[1:],
        **({"lossless": True} if kind == "WEBP" else {}),
    )
    assert (read(data) == RED).all()


def png(width: int, height: int) -> bytes:
    """A PNG of any size, with no pixels in it: Pillow would not write one."""
    chunks = {b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT": zlib.compress(b"")}
    framed = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is empty"),
        (b"nothing in it", r"of no known format, .* \(13 bytes\)"),
        (b"\n<!DOCTYPE html><title>Please log in</title>", "it is text .*, perhaps a page to log in"),
        (b'{"detail": "not found"}', "it is text .*, perhaps a page to log in or an error"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(9), "it is HEIC, which browsers do not show"),
        (picture(40, 40)[:60], "truncated|broken"),
        (encoded(Image.effect_noise((64, 64), 50), "JPEG")[:700], "truncated"),
        (encoded(Image.effect_noise((64, 64), 50), "GIF")[:900], "truncated"),
        (png(0, 0), "0 pixels wide"),
        (png(5, 0), "0 pixels wide"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "of no known format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is text .*SVG"),
    ],
    ids=[
        "nothing",
        "bytes",
        "a page",
        "JSON",
        "HEIC",
        "cut PNG",
        "cut JPEG",
        "cut GIF",
        "0 × 0",
        "5 × 0",
        "PostScript",
        "SVG",
    ],
)
def test_bytes_that_are_no_image(data: bytes, message: str):
    """The message shows none of them: they may be what only the administrator's key opens."""
    expected = rf"^image: picture\.png is no readable image: .*({message})"
    with pytest.raises(ImageUnreadableError, match=expected) as caught:
        read(data)
    assert not data or repr(data[:6])[2:-1] not in str(caught.value)


def test_more_pixels_than_allowed():
    with pytest.raises(ImageTooLargeError, match=r"picture\.png \(6 × 4\) has .*CLICK99_IMAGE_MEGAPIXELS=1,"):
        read(picture(6, 4), max_pixels=23)
    assert read(picture(6, 4), max_pixels=24).shape == (4, 6, 3)


def test_a_bomb_is_refused_before_it_is_unpacked():
    """Above ours, which may be raised; above Pillow's own, which may not; what is said helps with either."""
    said = r"has 25 million pixels, and 1 are allowed\. Set CLICK99_IMAGE_MEGAPIXELS=25, or make it smaller"
    with pytest.raises(ImageTooLargeError, match=said):
        read(png(5000, 5000))
    said = r"has 3600 million pixels, and 178 are the most that is read\. Make it smaller, or cut it"
    for most in (10**6, MAX_PIXELS):
        with pytest.raises(ImageTooLargeError, match=said):
            read(png(60000, 60000), max_pixels=most)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow on EXIF and TIFF tags
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_damaged_bytes_never_raise_anything_else(kind: str):
    data = bytearray(encoded(Image.effect_noise((24, 24), 50), kind))
    random = np.random.default_rng(0)
    for _ in range(60):
        damaged = data.copy()
        for place in random.integers(0, min(len(data), 400), 4):
            damaged[place] = random.integers(256)
        try:
            read(bytes(damaged))
        except ImageError:
            continue

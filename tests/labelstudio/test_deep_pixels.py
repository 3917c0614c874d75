"""More than 8 bits a channel: scaled by what the file holds, so that dark ones are not black."""

from __future__ import annotations

import io
import runpy
import struct
import time
import zlib
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from click99.labelstudio import deep_pixels
from click99.labelstudio.deep_pixels import scaled
from click99.labelstudio.errors import ImageError, ImageTooLargeError, ImageUnreadableError
from click99.labelstudio.pixels import read_pixels

NOISE = np.random.default_rng(0).random((40, 50)) / 5
SCENE = np.pad(np.ones((10, 20)), ((10, 20), (20, 10))) + NOISE  # 0 … 1.2: a square on a ground
ALL_OF_IT = np.rint((SCENE - SCENE.min()) / np.ptp(SCENE) * 255)


def read(data: bytes, max_pixels: int = 10**6) -> np.ndarray:
    return read_pixels(data, "scan.tif", max_pixels)


def tiff(values: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    alpha: dict[str, Any] = {"extrasamples": ["unassalpha"]} if values.shape[2:] == (4,) else {}
    colours: dict[str, Any] = {"photometric": "rgb" if values.ndim == 3 else "minisblack"}
    tifffile.imwrite(file, values, **(colours | alpha | options))
    return file.getvalue()


def png(values: np.ndarray) -> bytes:
    return cv2.imencode(".png", values)[1].tobytes()


def colours(values: np.ndarray, channels: int) -> np.ndarray:
    """Grey as [H, W] or [H, W, 3], or with an alpha of one."""
    if channels == 1:
        return values
    alpha = np.full(
        values.shape, np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 1, values.dtype
    )
    return np.dstack([values] * 3 + [alpha] * (channels - 3))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kind", ["uint16", "int16", "uint32", "int32", "float16", "float32", "float64"])
def test_tiff_of_every_kind(kind: str, channels: int, order: Any):
    dark = (SCENE * 800 - (300 if kind[0] != "u" else 0)).astype(kind)
    pixels = read(tiff(colours(dark, channels), byteorder=order))
    assert np.abs(pixels - ALL_OF_IT[..., None]).max() <= 2


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_of_16_bits(channels: int):
    pixels = read(png(colours((SCENE * 800).astype(np.uint16), channels)))
    assert np.abs(pixels - ALL_OF_IT[..., None]).max() <= 2


def test_bytes_with_a_sign():
    assert np.abs(read(tiff((SCENE * 100 - 60).astype(np.int8)))[..., 0] - ALL_OF_IT).max() <= 4


@pytest.mark.parametrize("scale", [1, 50, 2**20, 3 * 10**9])
def test_whole_numbers_of_32_bits(scale: int):
    values = (SCENE > 1) * scale
    pixels = read(tiff(values.astype(np.uint32)))
    assert ((pixels == 255) == (SCENE > 1)[..., None]).all()
    assert set(np.unique(pixels)) == {0, 255}


def test_colours_keep_their_proportions_and_order():
    red = np.full((4, 5, 3), (900, 300, 0), np.uint16)
    for data in (tiff(red), png(red[..., ::-1])):
        assert (read(data) == (255, 85, 0)).all()


def test_what_is_clear_is_white():
    clear = np.dstack([colours((SCENE * 800).astype(np.uint16), 3), np.zeros(SCENE.shape, np.uint16)])
    assert (read(png(clear)) == 255).all()
    assert (read(tiff(clear)) == 255).all()


def test_stray_values_do_not_set_the_scale():
    hot = (SCENE * 800).astype(np.uint16)
    hot[3, 4], hot[30, 40] = 65535, 0
    assert np.abs(np.delete(read(tiff(hot))[..., 0].ravel(), [3 * 50 + 4, 30 * 50 + 40])).mean() > 40


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf, -3.4e38])
def test_floats_that_are_no_values(nothing: float):
    holes = (SCENE * 0.01).astype(np.float32)
    holes[:10] = nothing
    pixels = read(tiff(holes))
    assert np.ptp(pixels[10:]) > 250
    assert (pixels[:10] == (255 if nothing == np.inf else 0)).all()


@pytest.mark.parametrize("kind", ["int16", "int32"])
def test_padding_of_a_signed_type(kind: str):
    padded = (SCENE * 1000 - 900).astype(kind)
    padded[:10] = np.iinfo(kind).min
    assert np.ptp(read(tiff(padded))[10:]) > 250


def test_a_small_thing_on_a_ground_of_one_value_is_seen():
    values = np.zeros((100, 100), np.uint16)
    values[50, 50] = 9
    assert read(tiff(values))[50, 50, 0] == 255


@pytest.mark.parametrize(
    "values", [np.zeros((2, 3)), np.full((2, 3), 1e6), np.full((2, 3), np.nan), np.full((2, 3), -5.0)]
)
def test_one_value_stays_one(values: np.ndarray):
    for kind in (np.float32, np.uint16, np.int32):
        with np.errstate(invalid="ignore"):
            pixels = scaled(values.astype(kind))
        assert pixels.min() == pixels.max()


def test_the_lowest_is_white_where_the_file_says_so():
    values = (SCENE * 800).astype(np.uint16)
    assert (read(tiff(values, photometric="miniswhite")) == 255 - read(tiff(values))).all()


def test_the_same_bytes_are_the_same_pixels():
    data = tiff((SCENE * 800).astype(np.uint16))
    assert (read(data) == read(data)).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["uint16", "float64"])
def test_upright_once(kind: str, channels: int):
    values = colours((SCENE * 800).astype(kind), channels)
    turned = read(tiff(values, extratags=[(274, "H", 1, 6, True)]))
    assert (turned == np.rot90(read(tiff(values)), -1)).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_upright_png(channels: int):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = png(colours((SCENE * 800).astype(np.uint16), channels))
    chunk = b"eXIf" + exif.tobytes()[6:]
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    assert (read(data[:33] + framed + data[33:]) == np.rot90(read(data), -1)).all()


def test_too_many_pixels():
    for kind in ("uint16", "float64"):
        with pytest.raises(ImageTooLargeError, match=r"50 × 40"):
            read(tiff(SCENE.astype(kind)), max_pixels=1999)


@pytest.mark.parametrize("written", [{}, {"compression": "zlib"}, {"tile": (16, 16)}], ids=str)
@pytest.mark.parametrize("kind", ["uint16", "int16", "float64", "float16", "uint32"])
def test_what_is_cut_short(kind: str, written: dict[str, Any]):
    data = tiff(colours((SCENE * 800).astype(kind), 3), **written)
    with pytest.raises(ImageUnreadableError):
        read(data[: len(data) // 2])


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["uint16", "int16", "float32"])
def test_colours_in_planes(kind: str, order: Any):
    values = np.dstack([SCENE * 800, SCENE.T[::-1].reshape(SCENE.shape) * 400, NOISE * 90]).astype(kind)
    planes = tiff(np.moveaxis(values, 2, 0), planarconfig="separate", byteorder=order)
    assert (read(planes) == read(tiff(values))).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_planes_are_turned_upright(orientation: int):
    values = colours((SCENE * 800).astype(np.uint16), 3)
    turn = {"extratags": [(274, "H", 1, orientation, True)]}
    planes = tiff(np.moveaxis(values, 2, 0), planarconfig="separate", **turn)
    assert (read(planes) == read(tiff(values, **turn))).all()


WRITTEN: list[dict[str, Any]] = [
    {"bigtiff": True},
    {"compression": "zlib"},
    {"compression": "zlib", "rowsperstrip": 7},
    {"tile": (16, 32)},
    {"tile": (16, 16), "compression": "zlib"},
]


@pytest.mark.parametrize("written", WRITTEN, ids=str)
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("kind", ["int8", "uint16", "uint32", "int64", "uint64", "float16", "float64"])
def test_however_it_is_written(kind: str, planes: bool, written: dict[str, Any]):
    dark = (SCENE * (100 if kind == "int8" else 800)).astype(kind)
    values = np.moveaxis(colours(dark, 3), 2, 0) if planes else colours(dark, 3)
    pixels = read(tiff(values, planarconfig="separate" if planes else "contig", **written))
    assert np.abs(pixels - ALL_OF_IT[..., None]).max() <= 3


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["uint16", "uint32", "int16"])
def test_differences_of_neighbours(kind: str, order: Any):
    values = np.moveaxis(colours((SCENE * 800).astype(kind), 3), 2, 0)
    options = {"planarconfig": "separate", "compression": "zlib", "predictor": True}
    assert np.abs(read(tiff(values, byteorder=order, **options)) - ALL_OF_IT[..., None]).max() <= 2


@pytest.mark.parametrize("order", "<>")
def test_differences_of_floats_are_of_their_bits(order: Any):
    values = (SCENE * 800).astype(np.float32)
    data = tiff(values.view(np.int32), compression="zlib", predictor=True, byteorder=order)
    signs = [struct.pack(f"{order}HHIH", 339, 3, 1, form) for form in (2, 3)]
    assert signs[0] in data
    assert np.abs(read(data.replace(signs[0], signs[1]))[..., 0] - ALL_OF_IT).max() <= 2


BANDS = [(2, kind) for kind in ("uint16", "int16", "float32")]  # Pillow has 2 of 8 bits as grey with alpha
BANDS += [(bands, kind) for bands in (4, 5, 7) for kind in ("uint8", "uint16", "int16", "float32")]


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize(("channels", "kind"), BANDS)
def test_further_bands_are_no_alpha_and_harm_nothing(channels: int, kind: str, planes: Any):
    """Satellites' infrared, microscopes' second stain."""
    shown = 1 if channels == 2 else 3
    scene = ALL_OF_IT if kind == "uint8" else SCENE * 800
    values = np.dstack([scene] * shown + [NOISE * 90] * (channels - shown)).astype(kind)
    values = np.moveaxis(values, 2, 0) if planes == "separate" else values
    photometric = "minisblack" if channels == 2 else "rgb"
    extra = {"extrasamples": ["unspecified"] * (channels - shown)}
    pixels = read(tiff(values, photometric=photometric, planarconfig=planes, **extra))
    assert np.abs(pixels - ALL_OF_IT[..., None]).max() <= 2


def test_bands_without_colours_are_shown_as_such():
    values = np.dstack([SCENE * 800, SCENE * 800, SCENE * 800, NOISE, NOISE]).astype(np.uint16)
    pixels = read(tiff(values, photometric="minisblack", planarconfig="contig"))
    assert np.abs(pixels - ALL_OF_IT[..., None]).max() <= 2


def test_grey_with_alpha():
    values = np.dstack([SCENE * 800, np.full(SCENE.shape, 65535)]).astype(np.uint16)
    values[:, :9, 1] = 0
    grey = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    pixels = read(tiff(values, **grey))
    assert (pixels[:, :9] == 255).all()
    assert np.abs(pixels[:, 9:] - ALL_OF_IT[:, 9:, None]).max() <= 2


def test_kinds_that_are_not_read_are_named():
    for odd in (
        tiff(SCENE.astype(np.complex64)),
        tiff(SCENE.astype(np.float16), compression="zlib").replace(
            b"\x03\1\3\0\1\0\0\0\x08\0", b"\x03\1\3\0\1\0\0\0\x05\0"
        ),
    ):
        with pytest.raises(ImageUnreadableError, match="a kind that is not read: save it uncompressed"):
            read(odd)


def test_what_unpacks_without_end_is_refused_before():
    bands = np.zeros((64, 64, 5), np.uint16)
    data = tiff(bands, photometric="minisblack", planarconfig="contig", compression="zlib")
    many = struct.pack("<HHII", 277, 3, 1, 5), struct.pack("<HHII", 277, 3, 1, 60000)
    assert many[0] in data
    with pytest.raises(ImageUnreadableError, match="60000 channels, deflated"):
        read(data.replace(*many))


def changed(data: bytes, *tags: tuple[int, int, int]) -> bytes:
    """A TIFF with other values. tags: number, signed value, and the one that it takes the place of."""
    for tag, value, before in tags:
        found = [
            (kind, struct.pack(f"<HHI{kind}", tag, name, 1, before)) for kind, name in (("H", 3), ("I", 4))
        ]
        ((kind, old),) = [each for each in found if each[1] in data]
        name = {"H": 8, "I": 9}[kind] if value < 0 else {"H": 3, "I": 4}[kind]
        data = data.replace(old, struct.pack(f"<HHI{kind.lower()}", tag, name, 1, value))
    return data


def test_no_channels_are_refused_before_they_are_unpacked():
    """Without end, it would be."""
    data = tiff(np.zeros((64, 64), np.uint16), compression="zlib")
    with pytest.raises(ImageUnreadableError, match="64 × 64, 0 channels"):
        read(changed(data, (277, 0, 1)))


def test_parts_of_negative_sizes_are_refused():
    """Memory that nobody wrote was shown instead, which may hold anything."""
    data = tiff(np.zeros((64, 64), np.uint16), tile=(16, 16))
    with pytest.raises(ImageUnreadableError, match="-16 × -16"):
        read(changed(data, (322, -16, 16), (323, -16, 16)))


@pytest.mark.parametrize(("wide", "high", "parts"), [(1, 1, "360000"), (16, 65536, "38")])
def test_parts_that_take_forever_are_refused(wide: int, high: int, parts: str):
    data = tiff(np.zeros((600, 600), np.uint16), tile=(16, 16))
    with pytest.raises(ImageUnreadableError, match=f"{parts} parts of {wide} × {high}: save it in strips"):
        read(changed(data, (322, wide, 16), (323, high, 16)))


@pytest.mark.slow("a large picture")
def test_many_strips_take_no_longer():
    values = np.moveaxis(colours(np.arange(4000 * 8, dtype=np.uint16).reshape(4000, 8), 3), 2, 0)
    data = tiff(values, planarconfig="separate", rowsperstrip=1)
    began = time.process_time()
    read(data)
    assert time.process_time() - began < 2  # 12,000 strips; looked up anew for each, it were nine


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["uint16", "int16", "float64", "float16", "uint32"])
def test_damaged_bytes_never_raise_anything_else(kind: str):
    data = tiff(colours((SCENE * 800).astype(kind), 3))
    random = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(data)
        for place in random.integers(0, 300, 4):
            damaged[place] = random.integers(256)
        try:
            read(bytes(damaged))
        except ImageError:
            continue


@pytest.mark.parametrize("newer", [False, True])
def test_opencv_reports_nothing_wherever_it_is_told_so(newer: bool, monkeypatch: pytest.MonkeyPatch):
    """4.12 is told by `cv2.setLogLevel`, 4.14 by `cv2.utils.logging.setLogLevel` alone."""
    told: list[int] = []
    monkeypatch.delattr(cv2, "setLogLevel", raising=False)
    monkeypatch.delattr(cv2.utils, "logging", raising=False)
    teller = SimpleNamespace(setLogLevel=told.append)
    monkeypatch.setattr(
        *((cv2.utils, "logging", teller) if newer else (cv2, "setLogLevel", told.append)), raising=False
    )
    runpy.run_path(deep_pixels.__file__)
    assert told == [0]

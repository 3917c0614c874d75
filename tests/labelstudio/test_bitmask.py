"""Bitmask regions: PNGs that browsers read, and masks read back from what a browser saved."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from click99.labelstudio.bitmask import PREFIX, decode, encode
from click99.labelstudio.errors import BitmaskError

masks = st.tuples(st.integers(1, 20), st.integers(1, 20)).flatmap(lambda shape: arrays(bool, shape))
HALF = np.arange(48 * 64).reshape(48, 64) % 64 < 32


def url(image: Image.Image, format: str = "PNG") -> str:
    file = BytesIO()
    image.save(file, format)
    return PREFIX + base64.b64encode(file.getvalue()).decode()


@given(masks)
def test_what_was_encoded_is_decoded(mask: np.ndarray):
    assert np.array_equal(decode(encode(mask), *mask.shape), np.where(mask, 255, 0))


def test_it_is_black_on_transparent():
    png = base64.b64decode(encode(HALF).removeprefix(PREFIX))
    rgba = np.asarray(Image.open(BytesIO(png)).convert("RGBA"))
    assert not rgba[..., :3].any()
    assert np.array_equal(rgba[..., 3], np.where(HALF, 255, 0))


def test_a_canvas_of_a_browser_is_read():
    rgba = np.zeros((48, 64, 4), np.uint8)
    rgba[HALF] = (0, 0, 0, 255)
    rgba[5, 40] = (0, 0, 0, 90)
    assert np.array_equal(decode(url(Image.fromarray(rgba)), 48, 64), rgba[..., 3])


def test_capitals_make_no_difference():
    told = encode(HALF).replace(PREFIX, "DATA:image/PNG;BASE64,")
    assert np.array_equal(decode(told, 48, 64), np.where(HALF, 255, 0))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("", "it begins with ''"),
        ("https://example.com/a.png", "it begins with 'https://example.com/a.png'"),
        (PREFIX, "no readable PNG"),
        (PREFIX + "?", "no readable PNG"),
        (PREFIX + "AAAA", "no readable PNG"),
        (encode(HALF)[:-60], "no readable PNG"),
        (url(Image.new("RGB", (64, 48)), "JPEG"), "no readable PNG"),
        (encode(HALF.T), "48 × 64, but the image is 64 × 48"),
    ],
)
def test_anything_else_is_refused(wrong: str, message: str):
    with pytest.raises(BitmaskError, match=r"value\.imageDataURL") as refused:
        decode(wrong, 48, 64)
    assert message in str(refused.value)

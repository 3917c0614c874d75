"""The codec against label-studio-sdk's, which is the reference, on masks and on streams of any shape."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from label_studio_sdk.converter import brush as sdk

from click99.labelstudio import brush
from click99.labelstudio.errors import BrushError

shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))
binary_masks = arrays(np.uint8, shapes, elements=st.sampled_from([0, 255]))
soft_masks = arrays(np.uint8, shapes, elements=st.integers(0, 255))
PIXELS = 24  # of the streams made token by token below


@st.composite
def token_streams(draw: st.DrawFn) -> list[int]:
    """A stream that rle-pack may write: runs and lists of single values, any length sizes, PIXELS in all."""
    sizes = draw(st.lists(st.integers(1, 16), min_size=4, max_size=4))
    bits = f"{4 * PIXELS:032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in sizes)
    left = 4 * PIXELS
    while left:
        which = draw(st.integers(0, 3))
        length = draw(st.integers(1, min(left, 2 ** sizes[which])))
        is_run = draw(st.booleans())
        values = draw(
            st.lists(st.integers(0, 255), min_size=1 if is_run else length, max_size=1 if is_run else length)
        )
        bits += f"{is_run:b}{which:02b}{length - 1:0{sizes[which]}b}" + "".join(f"{v:08b}" for v in values)
        left -= length
    padded = bits + "0" * (-len(bits) % 8)
    return [int(padded[at : at + 8], 2) for at in range(0, len(padded), 8)]


def ragged(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (height, width), np.uint8) * 255


@pytest.mark.slow("the SDK's codec is slow")
@given(st.one_of(binary_masks, soft_masks))
def test_encodes_as_the_sdk_does(mask: np.ndarray):
    assert brush.encode(mask) == sdk.mask2rle(mask)


@given(st.one_of(binary_masks, soft_masks))
def test_decodes_what_it_encoded(mask: np.ndarray):
    np.testing.assert_array_equal(brush.decode(brush.encode(mask), *mask.shape), mask)


@pytest.mark.slow("the SDK's codec is slow")
@given(token_streams())
def test_decodes_as_the_sdk_does(rle: list[int]):
    expected = sdk.decode_rle(rle).reshape(4, PIXELS // 4, 4)[..., 3]
    np.testing.assert_array_equal(brush.decode(rle, 4, PIXELS // 4), expected)


@pytest.mark.parametrize("run", [1, 2, 3, 4, 5, 63, 64, 65, 16383, 16384, 16385, 16386, 32768, 32769, 50000])
def test_run_lengths_at_the_limits_of_the_length_sizes(run: int):
    mask = np.array([[0] * run + [255] * run], np.uint8)
    rle = brush.encode(mask)
    assert rle == sdk.mask2rle(mask)
    np.testing.assert_array_equal(brush.decode(rle, *mask.shape), mask)


@pytest.mark.slow("large masks")
def test_streams_longer_than_a_block():
    mask = ragged(300, 301)
    rle = brush.encode(mask)
    assert len(rle) > 3 * brush.BLOCK_BYTES
    assert rle == sdk.mask2rle(mask)
    np.testing.assert_array_equal(brush.decode(rle, *mask.shape), mask)


def test_a_list_of_single_values_longer_than_a_block():
    values = np.random.default_rng(1).integers(0, 256, 4 * 12000).tolist()
    bits = f"{len(values):032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    bits += f"011{len(values) - 1:016b}" + "".join(f"{value:08b}" for value in values)
    padded = bits + "0" * (-len(bits) % 8)
    rle = [int(padded[at : at + 8], 2) for at in range(0, len(padded), 8)]
    assert brush.decode(rle, 100, 120).ravel().tolist() == values[3::4]


@given(st.lists(st.integers(0, 255), max_size=60), st.integers(1, 5), st.integers(1, 5))
def test_any_bytes_are_a_mask_or_a_clear_error(tail: list[int], height: int, width: int):
    header = brush.encode(np.zeros((height, width), np.uint8))[:7]
    for rle in (tail, header + tail):
        with suppress(BrushError):
            assert brush.decode(rle, height, width).shape == (height, width)


@pytest.mark.parametrize("kept", [0, 1, 6, 7, 8, 20, -1])
def test_a_cut_stream_is_refused(kept: int):
    rle = brush.encode(ragged(20, 20))[:-1]  # the last byte may be padding alone
    with pytest.raises(BrushError, match=r"value\.rle"):
        brush.decode(rle[:kept], 20, 20)


def test_another_size_is_refused_naming_both():
    with pytest.raises(BrushError, match="holds 1600 values, the image's size needs 3200"):
        brush.decode(brush.encode(ragged(20, 20)), 20, 40)


def test_a_huge_promise_is_refused_before_anything_is_allocated():
    huge = [255, 255, 255, 252, *brush.encode(ragged(2, 2))[4:]]
    with pytest.raises(BrushError, match="cut short"):
        brush.decode(huge, 2**30 - 1, 1)


def test_a_last_run_over_the_end_is_refused():
    rle = brush.encode(np.zeros((1, 3), np.uint8))
    with pytest.raises(BrushError, match="longer than the mask"):
        brush.decode([*rle[:3], 8, *rle[4:]], 1, 2)


@pytest.mark.parametrize("item", [-1, 256, 1.5, "7", None])
def test_items_that_are_not_bytes_are_refused(item: Any):
    rle = cast(list[Any], brush.encode(ragged(4, 4)))
    with pytest.raises(BrushError, match="integers from 0 to 255"):
        brush.decode([*rle[:8], item, *rle[9:]], 4, 4)


def test_other_word_sizes_are_refused():
    rle = brush.encode(ragged(4, 4))
    with pytest.raises(BrushError, match="don't start as a brush mask"):
        brush.decode([*rle[:4], rle[4] ^ 0b10000000, *rle[5:]], 4, 4)


@pytest.mark.parametrize(
    "mask",
    [np.zeros((2, 2)), np.zeros((2, 2, 1), np.uint8), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)],
    ids=["float", "3-D", "empty", "1-D"],
)
def test_arrays_that_are_no_masks_are_refused(mask: np.ndarray):
    with pytest.raises(ValueError, match="mask"):
        brush.encode(mask)

"""Brush RLE: the bits in which Label Studio keeps a brush mask (the rle-pack layout over RGBA values).

A stream is a header (32 bits: number of values, 5: word size - 1, 4 × 4: length sizes - 1) and then tokens,
packed without gaps, the most significant bit first:

    1 bit     1 = a run of one value, 0 = a list of single values
    2 bits    which of the header's four length sizes follows
    3..16     length - 1
    8         the run's value (or `length` values of 8 bits each)

Values are RGBA, so a mask's pixel is four equal values; what counts on the way back is the alpha channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from click99.labelstudio.errors import BrushError

HEADER_BITS = 53
WORD_BITS = 8
SIZES = (3, 4, 8, 16)
LONGEST_RUN = 2 ** SIZES[-1]
BLOCK_BYTES = 2**14  # of a stream, decoded at a time: keeps the tables of jumps in the processor's cache
DOUBLINGS = 3
HEAD_BITS = 1 + 2 + 16  # what a token says before its values, at most


def encode(mask: np.ndarray) -> list[int]:
    """Brush RLE of a mask: uint8 [H, W], 0 to 255 -> bytes as ints. ValueError for any other array."""
    if mask.ndim != 2 or mask.dtype != np.uint8 or not 0 < mask.size < 2**30:
        raise ValueError(f"mask: {mask.dtype} {mask.shape} is no brush mask. Pass uint8 [H, W], not empty")
    values, lengths = _runs(mask.ravel())
    tokens, bits = _tokens(values, lengths)
    ends = HEADER_BITS + np.cumsum(bits)
    stream = np.zeros(ends[-1] // 8 + 1, np.uint8)  # the reference pads 1 to 8 bits, never none
    stream[:7] = _header(4 * mask.size)
    _write(stream, tokens, ends)
    return stream.tolist()


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels -> each run's value, and its length in RGBA values."""
    last = np.append(np.flatnonzero(values[1:] != values[:-1]), values.size - 1)
    return values[last], 4 * np.diff(last, prepend=-1)


def _tokens(values: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs -> each token's bits as a number, and how many bits they are (14 to 27)."""
    which = np.searchsorted([2**size for size in SIZES[:-1]], lengths)
    parts = (lengths - 1) // LONGEST_RUN + 1
    lasts = np.cumsum(parts) - 1
    whole, lengths = lengths, np.full(lasts[-1] + 1, LONGEST_RUN)
    lengths[lasts] = whole - (parts - 1) * LONGEST_RUN
    values, which = np.repeat(values, parts), np.repeat(which, parts)  # the rest keeps its run's length size
    size = np.array(SIZES)[which]
    head = ((4 + which) << size) | (lengths - 1)
    return (head << WORD_BITS) | values, 3 + size + WORD_BITS


def _header(count: int) -> np.ndarray:
    fields = [(count, 32), (WORD_BITS - 1, 5), *((size - 1, 4) for size in SIZES)]
    text = "".join(f"{value:0{bits}b}" for value, bits in fields)
    return np.frombuffer(int(text.ljust(56, "0"), 2).to_bytes(7), np.uint8)


def _write(stream: np.ndarray, tokens: np.ndarray, ends: np.ndarray) -> None:
    """Set each token's bits so that it ends at its place.

    Tokens have more than 8 bits, so no two end in the same byte: the five bytes that a token can reach are
    written one after the other, for all tokens at once.
    """
    last, shift = ends // 8, 8 - ends % 8
    bits = tokens << shift
    for back in range(min(5, len(stream))):
        stream[last - back] |= (bits >> (8 * back)).astype(np.uint8)


def as_bytes(rle: Any) -> bytes:
    """A stream as it stands in a region's value; BrushError when it is no list of bytes."""
    try:
        return bytes(iter(rle))
    except (TypeError, ValueError) as error:
        raise _bad(
            f"its items must be integers from 0 to 255 ({error})", "Send value.rle unchanged"
        ) from None


def decode(rle: Sequence[int], height: int, width: int) -> np.ndarray:
    """Mask (the alpha channel) of a brush RLE: bytes as ints -> uint8 [height, width].

    BrushError when the stream is not a brush RLE, is cut short or holds another size. The work and the memory
    follow from the length of the stream and from height × width, which the caller vouches for.
    """
    stream = _Stream.open(rle, 4 * height * width)
    at, done, parts = HEADER_BITS, 0, []
    while done < stream.count:
        starts = stream.token_starts(at)
        values, lengths, at = stream.read(starts, stream.count - done)
        ends = done + np.cumsum(lengths)
        alphas = np.diff(ends // 4, prepend=done // 4)
        parts.append(np.repeat(values, alphas))
        done = int(ends[-1])
    return np.concatenate(parts).reshape(height, width)


@dataclass(frozen=True)
class _Stream:
    """count: values promised by the header. windows: uint32, the 32 bits from each byte on. token_bits and
    token_values: a token's length in bits and in values, by its first HEAD_BITS bits."""

    count: int
    bits: int
    windows: np.ndarray
    token_bits: np.ndarray
    token_values: np.ndarray

    @classmethod
    def open(cls, rle: Sequence[int], count: int) -> _Stream:
        data = as_bytes(rle)
        header = int.from_bytes(data[:7]) >> 3
        word, sizes = (header >> 16 & 31) + 1, tuple((header >> at & 15) + 1 for at in (12, 8, 4, 0))
        if len(data) < 7 or word != WORD_BITS:
            raise _bad(f"{len(data)} bytes that don't start as a brush mask", "Send value.rle unchanged")
        if header >> 21 != count or not count:
            raise _bad(
                f"it holds {header >> 21} values, the image's size needs {count}",
                "Send the mask of this very image",
            )
        padded = np.frombuffer(data + bytes(4), np.uint8).astype(np.uint32)
        windows = padded[:-4] << 24 | padded[1:-3] << 16 | padded[2:-2] << 8 | padded[3:-1]
        return cls(count, 8 * len(data), windows, *_tables(sizes))

    def token_starts(self, at: int) -> np.ndarray:
        """Bit positions of the tokens from `at` to the end of the block of BLOCK_BYTES that begins there.

        Where a token starts depends on the one before. So: for every bit of the block, compute where the next
        token would start if one started there; double those jumps a few times; walk the long jumps (the one
        sequential part); and fill in the tokens between with the shorter jumps.
        """
        first = at // 8
        windows = self.windows[first : first + BLOCK_BYTES]
        end = 8 * len(windows)
        jumps = [self._jumps(windows, end)]
        for _ in range(DOUBLINGS):
            jumps.append(jumps[-1][jumps[-1]])
        starts = _walk(jumps[-1], at - 8 * first)
        for jump in reversed(jumps[:-1]):
            starts = np.stack([starts, jump[starts]], axis=1).ravel()
        return starts[starts < end] + 8 * first

    def _jumps(self, windows: np.ndarray, end: int) -> np.ndarray:
        """int32 [end + 1]: bit -> start of the next token, `end` for all that lies behind."""
        jump = np.empty((len(windows), 8), np.int32)
        for bit in range(8):
            jump[:, bit] = self.token_bits[(windows << bit) >> (32 - HEAD_BITS)]
        jump = jump.ravel()
        jump += np.arange(end, dtype=np.int32)
        return np.append(np.minimum(jump, end), np.int32(end))

    def read(self, starts: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray, int]:
        """Tokens -> values uint8, how often each is repeated (`wanted` in all at most), and the next bit."""
        heads = self._bits(starts, HEAD_BITS)
        counts = self.token_values[heads]
        kept = 1 + np.searchsorted(np.cumsum(counts), wanted)
        starts, heads, counts = starts[:kept], heads[:kept], counts[:kept]
        ends = starts + self.token_bits[heads]
        if not len(ends) or ends[-1] > self.bits:
            raise _bad("it is cut short", "Send value.rle whole")
        if counts.sum() > wanted:
            raise _bad("its last run is longer than the mask", "Send value.rle unchanged")
        is_run = heads >> (HEAD_BITS - 1) == 1
        singles = np.where(is_run, 1, counts)
        later = np.arange(singles.sum()) - np.repeat(np.cumsum(singles), singles)
        values = self._bits(np.repeat(ends, singles) + WORD_BITS * later, WORD_BITS)
        return values.astype(np.uint8), np.repeat(np.where(is_run, counts, 1), singles), int(ends[-1])

    def _bits(self, at: np.ndarray, number: int) -> np.ndarray:
        """The `number` (up to 25) bits at each position."""
        return (self.windows[at >> 3] << (at & 7).astype(np.uint32)) >> (32 - number)


def _walk(jump: np.ndarray, at: int) -> np.ndarray:
    table, places = jump.data, []  # a memoryview: faster item by item
    while at < len(table) - 1:
        places.append(at)
        at = table[at]
    return np.array(places, np.int64)


@lru_cache(maxsize=4)
def _tables(sizes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A token's length in bits, and in values, by its first HEAD_BITS bits."""
    head = np.arange(2**HEAD_BITS, dtype=np.int32)
    size = np.array(sizes, np.int32)[head >> 16 & 3]
    values = ((head & 0xFFFF) >> (16 - size)) + 1
    words = np.where(head >> (HEAD_BITS - 1), 1, values)
    return 3 + size + WORD_BITS * words, values


def _bad(problem: str, remedy: str) -> BrushError:
    return BrushError("value.rle", problem, remedy)

"""Masks as the record keeps them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select

from click99.annotations import masks
from click99.annotations.database import Database
from click99.annotations.masks import Bits
from click99.annotations.tables import MaskRow


@pytest.mark.parametrize("shape", [(1, 1), (6, 10), (9, 8), (3, 17)])
def test_a_mask_comes_back_and_is_kept_once(database: Database, shape: tuple[int, int]):
    mask = np.random.default_rng(0).random(shape) < 0.5
    with database.writing() as session:
        key, again = masks.keep(session, Bits.pack(mask)), masks.keep(session, Bits.pack(mask.copy()))
    assert key == again
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(MaskRow)) == 1
        found = masks.pixels(session.get_one(MaskRow, key))
    assert (found.dtype, found.tolist()) == (bool, mask.tolist())


def test_the_same_bits_of_another_size_are_another_mask():
    flat, high = np.ones((1, 8), bool), np.ones((8, 1), bool)
    assert Bits.pack(flat).rows != Bits.pack(high).rows
    assert Bits(1, 8, b"\xff").key != Bits(1, 7, b"\xff").key


def test_the_png_is_black_and_white():
    with Image.open(BytesIO(Bits.pack(np.eye(4, dtype=bool)).png())) as image:
        assert (image.mode, image.size) == ("1", (4, 4))

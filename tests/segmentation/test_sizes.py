from __future__ import annotations

import pytest

from click99.segmentation.sizes import SPREAD, UNKNOWN, WEIGHT, Sizes


def test_nothing_surprises_where_nothing_is_known():
    assert UNKNOWN.surprise(0) == UNKNOWN.surprise(10**8) == 0


def test_the_usual_size_surprises_least():
    known = Sizes((900, 1000, 1100))
    assert known.surprise(1000) < 0.001
    assert known.surprise(1000) < known.surprise(2000) < known.surprise(4000) < known.surprise(0)
    assert known.surprise(1000 / 4) == pytest.approx(known.surprise(1000 * 4), rel=0.05)


def test_one_object_counts_with_the_usual_spread():
    assert Sizes((1000,)).surprise(1000 * 2.7182818**SPREAD) == pytest.approx(WEIGHT, rel=0.01)


def test_objects_that_differ_much_say_little():
    assert Sizes((10, 1000, 100_000)).surprise(4000) < Sizes((1000,)).surprise(4000) / 10

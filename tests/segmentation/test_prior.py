from __future__ import annotations

import numpy as np
import pytest

from click99.segmentation.clicks import Click
from click99.segmentation.prior import SPREAD, UNKNOWN, WEIGHT, Prior, repaired


def test_nothing_surprises_where_nothing_is_known():
    assert UNKNOWN.surprise(0) == UNKNOWN.surprise(10**8) == 0


def test_the_usual_size_surprises_least():
    known = Prior((900, 1000, 1100))
    assert known.surprise(1000) < 0.001
    assert known.surprise(1000) < known.surprise(2000) < known.surprise(4000) < known.surprise(0)
    assert known.surprise(1000 / 4) == pytest.approx(known.surprise(1000 * 4), rel=0.05)


def test_one_object_counts_with_the_usual_spread():
    assert Prior((1000,)).surprise(1000 * 2.7182818**SPREAD) == pytest.approx(WEIGHT, rel=0.01)


def test_objects_that_differ_much_say_little():
    assert Prior((10, 1000, 100_000)).surprise(4000) < Prior((1000,)).surprise(4000) / 10


def test_a_repair_is_near_and_towards_its_sign():
    previous = np.full((100, 80), 0.4, np.float32)
    alpha = np.random.default_rng(0).random((100, 80)).astype(np.float32)
    near = np.hypot(*(np.ogrid[-30:70, -40:40])) <= 10
    for positive, towards in ((True, np.maximum), (False, np.minimum)):
        found = repaired(alpha, previous, Click(40, 30, positive))
        assert (found[~near] == previous[~near]).all()
        assert (found[near] == towards(alpha, previous)[near]).all()

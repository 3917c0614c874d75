"""What the soak says of a server's memory."""

from __future__ import annotations

import math

import pytest

from tests.benchmarks.bench_soak import slope


def test_the_slope_is_that_of_the_second_half():
    first, second = [(100 * k, 40.0 * k) for k in range(5)], [(100 * k, 200.0 + k / 5) for k in range(5, 10)]
    assert slope(first + second) == pytest.approx(2)


@pytest.mark.parametrize("looks", [[], [(100, 380.0)], [(100, 380.0), (200, 381.0)]])
def test_a_short_run_has_none(looks: list[tuple[int, float]]):
    assert math.isnan(slope(looks))

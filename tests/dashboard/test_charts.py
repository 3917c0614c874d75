"""Where a chart's points lie."""

from __future__ import annotations

from datetime import date
from math import nan

import pytest

from click99.dashboard.charts import Chart

DAYS = [date(2026, 1, day) for day in (1, 2, 3)]


def chart(*values: float) -> Chart:
    return Chart("Clicks", ".2f", DAYS[: len(values)], values)


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (0.3, 0.5), (1, 1), (1.01, 2), (3, 5), (7, 10), (1000, 1000), (1001, 2000)]
)
def test_the_axis_ends_at_a_round_number(most: float, top: float):
    assert chart(most, nan).top == pytest.approx(top)


def test_points_leave_out_what_is_not_known():
    assert chart(1.0, nan, 2.0).points(100, 50) == [(0.0, 25.0), (100.0, 0.0)]
    assert chart(2.0).points(100, 50) == [(50.0, 0.0)]
    assert chart(nan).points(100, 50) == []


def test_it_is_told_in_words():
    assert chart(1.0, nan, 2.0).summary == "Clicks: 1.00 at 2026-01-01, 2.00 at 2026-01-03."
    assert chart(nan).summary == "Clicks: none."

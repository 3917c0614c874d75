"""Days, weeks and months, and which costs fall into each."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from click99.dashboard.periods import MOST, Periods
from tests.annotations.examples import NOON
from tests.dashboard.examples import cost


@pytest.mark.parametrize(
    ("days", "unit", "count", "last"),
    [
        (0, "day", 1, date(2026, 1, 1)),
        (30, "day", 31, date(2026, 1, 31)),
        (31, "week", 5, date(2026, 1, 26)),
        (365, "month", 13, date(2027, 1, 1)),
        (3650, "month", 120, date(2035, 12, 1)),
    ],
)
def test_longer_records_have_longer_periods(days: int, unit: str, count: int, last: date):
    periods = Periods.of([cost(), cost(saved_at=NOON + timedelta(days))])
    assert (periods.unit, len(periods.starts), periods.starts[-1]) == (unit, count, last)


def test_periods_without_masks_are_there():
    found = [
        cost(),
        cost(saved_at=NOON + timedelta(2)),
        cost(saved_at=NOON + timedelta(2)),
        cost(saved_at=None),
    ]
    assert [len(part) for part in Periods.of(found).split(found)] == [1, 0, 2]


def test_each_cost_falls_into_one_period():
    found = [cost(saved_at=NOON + timedelta(day)) for day in range(0, 400, 7)]
    for some in (found, found[: MOST * 2 // 7], found[:25]):
        parts = Periods.of(some).split(some)
        assert [each for part in parts for each in part] == some


def test_a_record_without_times_has_no_periods():
    assert Periods.of([cost(saved_at=None)]).starts == []

"""The time that a record spans, in days, weeks or months."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from click99.dashboard.costs import Cost

MOST = 31  # periods of a chart, before they become longer

# Unit -> the first day of a day's period, and days that surely lead from there into the next.
UNITS: dict[str, tuple[Callable[[date], date], int]] = {
    "day": (lambda day: day, 1),
    "week": (lambda day: day - timedelta(day.weekday()), 7),
    "month": (lambda day: day.replace(day=1), 31),
}


@dataclass(frozen=True)
class Periods:
    """unit: day, week or month (UTC). starts: the first day of each, none left out between them."""

    unit: str
    starts: list[date]

    @classmethod
    def of(cls, found: Sequence[Cost]) -> Periods:
        """As many as needed for all of them, in the shortest unit that does with MOST."""
        days = [cost.saved_at.date() for cost in found if cost.saved_at]
        if not days:
            return cls("day", [])
        every = (cls(unit, list(_starts(unit, min(days), max(days)))) for unit in UNITS)
        return next(each for each in every if len(each.starts) <= MOST or each.unit == "month")

    @classmethod
    def by(cls, unit: str, found: Sequence[Cost]) -> Periods:
        """Of that unit, however many."""
        days = [cost.saved_at.date() for cost in found if cost.saved_at]
        return cls(unit, list(_starts(unit, min(days), max(days))) if days else [])

    def split(self, found: Sequence[Cost]) -> list[list[Cost]]:
        """The costs of each period."""
        start, _ = UNITS[self.unit]
        parts: dict[date, list[Cost]] = {each: [] for each in self.starts}
        for cost in found:
            if cost.saved_at:
                parts[start(cost.saved_at.date())].append(cost)
        return list(parts.values())


def _starts(unit: str, first: date, last: date) -> Iterator[date]:
    start, days = UNITS[unit]
    day = start(first)
    while day <= last:
        yield day
        day = start(day + timedelta(days))

"""Values over time as the lines of an SVG drawing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from click99.dashboard.costs import Cost, mean, median
from click99.dashboard.periods import Periods

Figure = tuple[str, str, Callable[[Sequence[Cost]], float]]  # title, format, of a period's masks

CLICKS: Figure = ("Clicks to accept, mean", ".2f", lambda costs: mean(cost.clicks for cost in costs))
SECONDS: Figure = ("Seconds to accept, median", ".1f", lambda costs: median(cost.seconds for cost in costs))
MASKS: Figure = ("Masks saved", ".0f", lambda costs: float(len(costs)))


@dataclass(frozen=True)
class Chart:
    """values: one a period; nan where there is none, which the line passes over. top: of the axis."""

    title: str
    form: str
    starts: Sequence[date]
    values: Sequence[float]

    @classmethod
    def all(cls, figures: Sequence[Figure], periods: Periods, found: Sequence[Cost]) -> list[Chart]:
        parts = periods.split(found)
        return [cls(title, form, periods.starts, [*map(value, parts)]) for title, form, value in figures]

    @property
    def known(self) -> list[tuple[date, float]]:
        pairs = zip(self.starts, self.values, strict=True)
        return [(start, value) for start, value in pairs if not math.isnan(value)]

    @property
    def top(self) -> float:
        """The next of 1, 2, 5, 10, … that no value is above."""
        most = max((value for _, value in self.known), default=0.0)
        power = 10.0 ** math.floor(math.log10(most)) if most > 0 else 1.0
        return next(step * power for step in (1, 2, 5, 10) if step * power >= most * (1 - 1e-9))

    def points(self, width: float, height: float) -> list[tuple[float, float]]:
        """Of the known values, in SVG's coordinates; a single period stands in the middle."""
        last = len(self.values) - 1
        places = [k for k, value in enumerate(self.values) if not math.isnan(value)]
        return [
            (width * (k / last if last else 0.5), height * (1 - self.values[k] / self.top)) for k in places
        ]

    def told(self, value: float) -> str:
        return format(value, self.form)

    @property
    def summary(self) -> str:
        """For whoever does not see it."""
        if not self.known:
            return f"{self.title}: none."
        (first, begun), (last, ended) = self.known[0], self.known[-1]
        return f"{self.title}: {self.told(begun)} at {first}, {self.told(ended)} at {last}."

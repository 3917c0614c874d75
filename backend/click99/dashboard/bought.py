"""What a promotion bought, as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import TypeAdapter

from click99.dashboard.costs import Cost, mean
from click99.dashboard.periods import Periods
from click99.dashboard.templates import template

WIDTH, HEIGHT = 640.0, 190.0  # of a drawing, inside its axes


@dataclass(frozen=True)
class JudgedImage:
    """An image of the gate's: the mean IoU over the first clicks, before and after."""

    name: str
    before: float
    after: float

    @property
    def gain(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class MaskPair:
    """One of its masks after `clicks` clicks of either network, drawn over the picture: addresses that carry
    JPEGs."""

    image: JudgedImage
    clicks: int
    before: str
    after: str


@dataclass(frozen=True)
class Evidence:
    """What the gate saw. sure: by 95 % it gains more than that. pairs: what gained most, then what lost."""

    version: str
    against: str
    reason: str
    sure: float
    images: list[JudgedImage]
    pairs: list[MaskPair]

    @property
    def mean(self) -> float:
        return mean(image.gain for image in self.images)

    def to_json(self) -> bytes:
        return EVIDENCE.dump_json(self)

    @classmethod
    def read(cls, told: bytes) -> Evidence:
        """ValueError when it is not as `to_json` writes it."""
        return EVIDENCE.validate_json(told)


EVIDENCE = TypeAdapter(Evidence)


@dataclass(frozen=True)
class Week:
    """Masks saved in a week, without the version and with it: how many, and the mean of their clicks (nan
    without any)."""

    start: str
    masks: tuple[int, int]
    clicks: tuple[float, float]


def bought_page(evidence: Evidence, costs: Sequence[Cost], since: str = "") -> str:
    """costs: of all saved masks. since: what the watch said last."""
    found = weeks(costs, evidence.version)
    clicked = [cost for cost in costs if cost.clicks]
    return template("bought.html").render(
        made_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        evidence=evidence,
        since=since,
        weeks=found,
        people=[mean(side) for side in without_and_with(clicked, evidence.version)],
        lines=lines(found),
        top=top(found),
        bars=bars(evidence),
        width=WIDTH,
        height=HEIGHT,
    )


def without_and_with(found: Sequence[Cost], version: str) -> tuple[list[int], list[int]]:
    """The clicks of masks whose last click another version answered, and of those where this one did."""
    without = [cost.clicks for cost in found if cost.version != version]
    return without, [cost.clicks for cost in found if cost.version == version]


def weeks(costs: Sequence[Cost], version: str) -> list[Week]:
    """All weeks from the first saved mask to the last."""
    clicked = [cost for cost in costs if cost.clicks and cost.saved_at]
    periods = Periods.by("week", clicked)
    parts = zip(periods.starts, periods.split(clicked), strict=True)
    return [_week(str(start), part, version) for start, part in parts]


def _week(start: str, part: Sequence[Cost], version: str) -> Week:
    without, with_it = without_and_with(part, version)
    return Week(start, (len(without), len(with_it)), (mean(without), mean(with_it)))


def top(found: Sequence[Week]) -> float:
    """Of the axis of clicks: a whole number that no mean is above."""
    means = [value for week in found for value in week.clicks if value == value]
    return float(int(max(means, default=0)) + 1)


def lines(found: Sequence[Week]) -> list[list[tuple[float, float]]]:
    """Points of the clicks without the version and with it, in SVG's coordinates."""
    last, most = len(found) - 1, top(found)
    return [
        [
            (WIDTH * (k / last if last else 0.5), HEIGHT * (1 - week.clicks[side] / most))
            for k, week in enumerate(found)
            if week.masks[side]
        ]
        for side in (0, 1)
    ]


@dataclass(frozen=True)
class Bars:
    """Each image's gain, the smallest first, as x, y, width, height and whether it lost; heights of the
    lines at nothing, at the mean, and at what is sure. most: the gain at the top, least: at the bottom."""

    bars: list[tuple[float, float, float, float, bool]]
    zero: float
    mean: float
    sure: float
    most: float
    least: float


def bars(evidence: Evidence) -> Bars:
    gains = sorted(image.gain for image in evidence.images)
    most, least = max(0.01, *gains, evidence.sure), min(0.0, *gains, evidence.sure)
    step = WIDTH / len(gains)

    def at(gain: float) -> float:
        return HEIGHT * (most - gain) / (most - least)

    drawn = [
        (k * step + 0.1 * step, min(at(0), at(gain)), 0.8 * step, max(1.0, abs(at(0) - at(gain))), gain < 0)
        for k, gain in enumerate(gains)
    ]
    return Bars(drawn, at(0), at(evidence.mean), at(evidence.sure), most, least)

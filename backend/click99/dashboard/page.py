"""The dashboard: one HTML page that needs nothing else, made from the record and the registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nlargest

from sqlalchemy.orm import Session

from click99.annotations.database import Database
from click99.annotations.saved_masks import MaskFilter, SavedMask, saved_masks
from click99.dashboard.charts import CLICKS, MASKS, SECONDS, Chart
from click99.dashboard.costliest import CostlyMask, Pictures, tiles
from click99.dashboard.costs import BY, Cost, cost, grouped, mean, median
from click99.dashboard.fine_tunes import fine_tunes
from click99.dashboard.hours import hours
from click99.dashboard.names import Names
from click99.dashboard.periods import Periods
from click99.dashboard.templates import template
from click99.registry.versions import Registry, Version

ROWS = 12  # of a table; what is left is one more
COSTLIEST = 12
TABLES = {"label": "label", "annotator": "annotator", "model version": "version", "project": "project"}


@dataclass(frozen=True)
class Facts:
    """What the page is made of: every saved mask's cost, and the costliest masks."""

    costs: list[Cost]
    costliest: list[CostlyMask]


@dataclass(frozen=True)
class CostRow:
    """What the masks of one label, annotator, version or project took."""

    name: str
    masks: int
    clicks: float
    seconds: float
    retouched: float
    charts: list[Chart]


def dashboard(
    database: Database, registry: Registry, which: MaskFilter, pictures: Pictures, names: Names
) -> str:
    """The page, of a record and the versions of a registry. pictures: see `costliest.Pictures`."""
    with database.reading() as session:
        facts = read(session, which)
    return render(facts, registry.all(), pictures, names)


def read(session: Session, which: MaskFilter) -> Facts:
    """From the record; the slow part. Memory: some hundred bytes a mask."""
    costs: list[Cost] = []

    def corrected() -> Iterator[tuple[Cost, SavedMask]]:
        for found in saved_masks(session, which):
            costs.append(each := cost(found))
            if each.clicks > 1:
                yield each, found

    worst = nlargest(COSTLIEST, corrected(), key=lambda pair: (pair[0].clicks, pair[0].seconds))
    return Facts(costs, [CostlyMask.read(session, each, found) for each, found in worst])


def render(facts: Facts, versions: Sequence[Version], pictures: Pictures, names: Names) -> str:
    """The page. versions: the registry's. pictures: see `costliest.Pictures`."""
    clicked = [each for each in facts.costs if each.clicks]
    periods = Periods.of(clicked)
    return template("page.html").render(
        made_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        whole=_row("all", clicked, periods),
        drawn=len(facts.costs) - len(clicked),
        unit=periods.unit,
        charts=Chart.all((CLICKS, SECONDS, MASKS), periods, clicked),
        tables={name: table(clicked, by, periods, names) for name, by in TABLES.items()},
        fine_tunes=fine_tunes(versions, clicked),
        tiles=tiles(facts.costliest, pictures),
        hours=hours(facts.costs),
        names=names,
    )


def table(found: Sequence[Cost], by: str, periods: Periods, names: Names) -> list[CostRow]:
    """The groups with the most masks first, the small ones of too many together."""
    groups = sorted(grouped(found, BY[by]).items(), key=lambda group: -len(group[1]))
    rows = [_row(names.told(by, key), group, periods) for key, group in groups[:ROWS]]
    rest = [each for _, group in groups[ROWS:] for each in group]
    return [*rows, *([_row(f"{len(groups) - ROWS} others", rest, periods)] if rest else [])]


def _row(name: str, found: Sequence[Cost], periods: Periods) -> CostRow:
    return CostRow(
        name,
        len(found),
        mean(each.clicks for each in found),
        median(each.seconds for each in found),
        mean(each.retouched for each in found),
        Chart.all((CLICKS, SECONDS), periods, found),
    )

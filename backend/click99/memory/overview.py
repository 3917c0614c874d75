"""What is remembered, as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select

from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import LessonRow
from click99.memory import lessons
from click99.memory.memory import Choice, Memory

USES: dict[Choice, str] = {"none": "nothing", "size": "how large they are", "map": "what they look like"}


class UnknownLabelError(ValueError):
    """Nothing is remembered of it."""


def labels_table(home: Path, url: str, name: Callable[[str], str]) -> Table:
    """A row for every label that masks were learnt of. url: of the record's database, "": in `home`;
    NoRecordError. name: of a project, by its key."""
    table = Table("project", "label", "model version", "masks", "used", "IoU without", "IoU with")
    for (project, label, version), rows in _by_label(_database(home, url)).items():
        used = USES[Memory.of(rows).choice]
        cells = map(escape, (name(project), label, version, str(len(rows)), used))
        table.add_row(*cells, *map(_iou, judged(rows)))
    return table


def masks_table(home: Path, url: str, project: str, label: str) -> Table:
    """A row for every mask of a label; UnknownLabelError."""
    table = Table("saved", "annotation", "region", "size", "without", "with sizes", "with looks", "used then")
    for row in _named(_by_label(_database(home, url)), project, label):
        ious = map(_iou, (row.plain, row.with_size, row.with_map))
        size, used = f"{100 * np.sqrt(row.size):.0f} %", row.choice if row.plain is not None else "–"
        saved = f"{row.saved_at:%Y-%m-%d %H:%M}"
        table.add_row(saved, escape(row.annotation), escape(row.region), size, *ious, used)
    return table


def forget(home: Path, url: str, project: str, label: str) -> int:
    """How many masks were forgotten; UnknownLabelError."""
    database = _database(home, url)
    keys = {row.project for row in _named(_by_label(database), project, label)}
    with database.writing() as session:
        return sum(lessons.forget(session, key, label, datetime.now(UTC)) for key in keys)


def judged(rows: Sequence[LessonRow]) -> tuple[float | None, float | None]:
    """Mean IoU of first clicks without memory, and with what was used then; None: none was judged."""
    tried = [(row.plain, _used(row)) for row in rows if row.plain is not None]
    if not tried:
        return None, None
    without, with_it = np.mean([(plain, plain if used is None else used) for plain, used in tried], axis=0)
    return float(without), float(with_it)


def _used(row: LessonRow) -> float | None:
    return {"none": row.plain, "size": row.with_size, "map": row.with_map}[row.choice]


def _iou(iou: float | None) -> str:
    return "–" if iou is None else f"{iou:.2f}"


def _database(home: Path, url: str) -> Database:
    return Database(url or sqlite_url(home.expanduser()), upgrades=False).existing()


def _by_label(database: Database) -> dict[tuple[str, str, str], list[LessonRow]]:
    """Lessons by (project, label, model version), the oldest first."""
    found: dict[tuple[str, str, str], list[LessonRow]] = {}
    oldest_first = (LessonRow.project, LessonRow.label, LessonRow.version, LessonRow.saved_at)
    with database.reading() as session:
        for row in session.scalars(select(LessonRow).order_by(*oldest_first)):
            found.setdefault((row.project, row.label, row.version), []).append(row)
    return found


def _named(found: dict[tuple[str, str, str], list[LessonRow]], project: str, label: str) -> list[LessonRow]:
    """project: Label Studio's number or the record's key."""
    named = [
        row
        for (key, name, _), rows in found.items()
        if name == label and project in (key, key.split(".")[0])
        for row in rows
    ]
    if not named:
        told = f"project {project}, label {label!r}: nothing is remembered. See click99 memory list"
        raise UnknownLabelError(told)
    return named

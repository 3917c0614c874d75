"""Saved masks with the clicks that led to them, joined by the region."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from click99.annotations.tables import Annotation, Click, Region, Task

ADDRESS = re.compile(r"/|\w+://|data:image/")  # how an image's begins


@dataclass(frozen=True)
class Wanted:
    """Which saved masks. project: Label Studio's number or the record's key. corrected: only those that a
    person changed, by a second click or by hand. since, until: when they were saved."""

    project: str | None = None
    label: str | None = None
    annotator: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    corrected: bool = False


@dataclass(frozen=True)
class SavedObject:
    """A mask as it was saved (region.mask), and its clicks in order, those that were undone left out.

    Of one drawn by hand there are no clicks. data: the task's own fields, as JSON.
    """

    annotation: Annotation
    region: Region
    clicks: Sequence[Click]
    data: str | None

    @property
    def corrected(self) -> bool:
        return self.region.origin != "prediction" or len(self.clicks) > 1

    @property
    def images(self) -> tuple[str, ...]:
        """Where its picture may be: as its clicks say, else all addresses in the task, those in lists too."""
        if self.clicks:
            return (self.clicks[0].image,)
        fields = json.loads(self.data or "{}").values()
        told = [value for field in fields for value in (field if isinstance(field, list) else [field])]
        return tuple(sorted({text for text in told if isinstance(text, str) and ADDRESS.match(text)}))


def saved_objects(session: Session, wanted: Wanted) -> Iterator[SavedObject]:
    """All that are neither deleted nor skipped and have a mask, task by task."""
    for annotation, region, data in session.execute(_query(wanted)).all():
        found = SavedObject(annotation, region, clicks_of(session, annotation, region.id), data)
        if found.corrected or not wanted.corrected:
            yield found


def clicks_of(session: Session, annotation: Annotation, region: str) -> list[Click]:
    """The clicks that led to a saved region."""
    asked = {"project": annotation.project, "task": annotation.task, "region": region}
    return real_sequence(session.scalars(select(Click).filter_by(**asked)).all())


def real_sequence(clicks: Sequence[Click]) -> list[Click]:
    """An object's clicks without those that were undone or moved away.

    From each mask that was started from, the way to the last state that was reached.
    """
    by_state = {click.state: click for click in clicks}
    starts: dict[str | None, list[Click]] = defaultdict(list)
    for click in sorted(clicks, key=lambda click: (click.asked_at, click.place)):
        way = _way(click, by_state)
        starts[way[0].start] = way
    ways = sorted(starts.values(), key=lambda way: way[-1].asked_at)
    return [click for way in ways for click in way]


def _way(click: Click, by_state: dict[str, Click]) -> list[Click]:
    """From an object's first click to this one."""
    way = [click]
    while (parent := by_state.get(way[0].parent or "")) is not None:
        way.insert(0, parent)
    return way


def _query(wanted: Wanted) -> Select:
    same = (Region.project == Annotation.project) & (Region.annotation == Annotation.id)
    task = (Task.project == Annotation.project) & (Task.id == Annotation.task)
    query = select(Annotation, Region, Task.data).join(Region, same).outerjoin(Task, task)
    query = query.where(Annotation.deleted_at.is_(None), ~Annotation.cancelled, Region.mask.is_not(None))
    if wanted.project:
        named = Annotation.project.like(f"{wanted.project}.%") | (Annotation.project == wanted.project)
        query = query.where(named)
    if wanted.label:
        query = query.where(Region.label == wanted.label)
    if wanted.annotator:
        query = query.where(Annotation.annotator == wanted.annotator)
    if wanted.since:
        query = query.where(Annotation.updated_at >= wanted.since)
    if wanted.until:
        query = query.where(Annotation.updated_at < wanted.until)
    return query.order_by(Annotation.project, Annotation.task, Annotation.id, Region.id)

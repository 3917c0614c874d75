"""Saved masks with the clicks that led to them, joined by the region."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from click99.annotations.answered_clicks import image_name
from click99.annotations.tables import AnnotationRow, ClickRow, RegionRow, TaskRow

ADDRESS = re.compile(r"/|\w+://|data:")  # how an image's begins
AT_ONCE = 500  # masks whose clicks are read together


@dataclass(frozen=True)
class MaskFilter:
    """Which saved masks. project: Label Studio's number, several joined by +, or the record's key.
    corrected: only those that a person changed, by a second click or by hand. since, until: when they were
    saved. version: only those that this model version made of a click."""

    project: str | None = None
    label: str | None = None
    annotator: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    corrected: bool = False
    version: str | None = None

    def fits(self, found: SavedMask) -> bool:
        """Whether its clicks are as asked."""
        made_by = {click.model_version for click in found.clicks}
        return (found.corrected or not self.corrected) and (not self.version or self.version in made_by)


@dataclass(frozen=True)
class SavedMask:
    """A mask as it was saved (region.mask), and its clicks in order, those that were undone left out.

    Of one drawn by hand there are no clicks. data: the task's own fields, as JSON.
    """

    annotation: AnnotationRow
    region: RegionRow
    clicks: Sequence[ClickRow]
    data: str | None

    @property
    def corrected(self) -> bool:
        return self.region.origin != "prediction" or len(self.clicks) > 1

    @property
    def images(self) -> tuple[str, ...]:
        """Where its picture may be: as its clicks say, else all addresses in the task, those in lists too."""
        fields = json.loads(self.data or "{}").values()
        told = [value for field in fields for value in (field if isinstance(field, list) else [field])]
        all_told = tuple(sorted({text for text in told if isinstance(text, str) and ADDRESS.match(text)}))
        if not self.clicks:
            return all_told
        clicked = self.clicks[0].image
        return next(((text,) for text in all_told if image_name(text) == clicked), (clicked,))


def saved_masks(session: Session, which: MaskFilter) -> Iterator[SavedMask]:
    """All that are neither deleted nor skipped and have a mask, task by task; a few at a time in memory."""
    for rows in session.execute(_query(which), execution_options={"yield_per": AT_ONCE}).partitions():
        clicks = _clicks(session, [region.id for _, region, _ in rows])
        for annotation, region, data in rows:
            own = clicks[annotation.project, annotation.task, region.id]
            sequence = real_sequence(own, region.mask)
            found = SavedMask(annotation, region, sequence, data)
            if which.fits(found):
                yield found


def _clicks(session: Session, regions: Sequence[str]) -> dict[tuple[str, str | None, str], list[ClickRow]]:
    """All clicks of those regions, by project, task and region; as rows, which cost less than objects."""
    found = defaultdict(list)
    for click in session.execute(select(*ClickRow.__table__.columns).where(ClickRow.region.in_(regions))):
        found[click.project, click.task, click.region].append(click)
    return found


def by_image(session: Session, which: MaskFilter) -> list[list[SavedMask]]:
    """Those of a task on one of its pictures; together, too, those of which nobody can tell."""
    found_on: dict[tuple[str, str | None, tuple[str, ...]], list[SavedMask]] = defaultdict(list)
    for found in saved_masks(session, which):
        found_on[found.annotation.project, found.annotation.task, found.images].append(found)
    return [*found_on.values()]


def images_clicked_with(session: Session, version: str) -> int:
    """On how many pictures a mask is saved that this model version made of clicks. No clock is asked."""
    same = (RegionRow.project == ClickRow.project) & (RegionRow.id == ClickRow.region)
    of = (AnnotationRow.project == RegionRow.project) & (AnnotationRow.id == RegionRow.annotation)
    pictures = (
        select(ClickRow.project, ClickRow.task, ClickRow.image)
        .join(RegionRow, same)
        .join(AnnotationRow, of)
        .where(ClickRow.model_version == version, RegionRow.mask.is_not(None))
        .where(AnnotationRow.deleted_at.is_(None), ~AnnotationRow.cancelled)
        .distinct()
    )
    return session.scalar(select(func.count()).select_from(pictures.subquery())) or 0


def tasks_saved(session: Session, projects: str) -> int:
    """In how many tasks a mask is saved. projects: as `MaskFilter.project`; "": of all."""
    of = (AnnotationRow.project == RegionRow.project) & (AnnotationRow.id == RegionRow.annotation)
    tasks = (
        select(AnnotationRow.project, AnnotationRow.task)
        .join(RegionRow, of)
        .where(RegionRow.mask.is_not(None), AnnotationRow.deleted_at.is_(None), ~AnnotationRow.cancelled)
        .distinct()
    )
    if projects:
        tasks = tasks.where(is_project(AnnotationRow.project, projects))
    return session.scalar(select(func.count()).select_from(tasks.subquery())) or 0


def clicks_of(session: Session, annotation: AnnotationRow, region: RegionRow) -> list[ClickRow]:
    """The clicks that led to a saved region."""
    asked = {"project": annotation.project, "task": annotation.task, "region": region.id}
    return real_sequence(session.scalars(select(ClickRow).filter_by(**asked)).all(), region.mask)


def real_sequence(clicks: Sequence[ClickRow], saved: str | None = None) -> list[ClickRow]:
    """An object's clicks without those that were undone or moved away. saved: the mask's key.

    Where a click made the saved mask, those that were answered after it were undone.
    From each mask that was started from, the way to the last state that was reached, unless a later way has
    all of its clicks: it goes on with them from where that mask came from.
    """
    made_it = [click.asked_at for click in clicks if saved and click.mask == saved]
    clicks = [click for click in clicks if not made_it or click.asked_at <= max(made_it)]
    by_state = {click.state: click for click in clicks}
    starts: dict[str | None, list[ClickRow]] = defaultdict(list)
    for click in sorted(clicks, key=lambda click: (click.asked_at, click.place)):
        way = _way(click, by_state)
        starts[way[0].start] = way
    ways = sorted(starts.values(), key=lambda way: way[-1].asked_at)
    names = [{click.click_id for click in way} for way in ways]
    covered = [any(own <= later for later in names[place + 1 :]) for place, own in enumerate(names)]
    return [click for way, again in zip(ways, covered, strict=True) if not again for click in way]


def _way(click: ClickRow, by_state: dict[str, ClickRow]) -> list[ClickRow]:
    """From an object's first click to this one."""
    way = [click]
    while (parent := by_state.get(way[0].parent or "")) is not None:
        way.insert(0, parent)
    return way


def is_project(column: InstrumentedAttribute[str], project: str) -> ColumnElement[bool]:
    """Of a column of the record's keys. project: Label Studio's number, several joined by +, or a key."""
    return or_(*(column.like(f"{each}.%") | (column == each) for each in project.split("+")))


def projects(session: Session) -> list[str]:
    """The keys of those that a mask is saved in."""
    asked = select(RegionRow.project).where(RegionRow.mask.is_not(None)).distinct()
    return sorted(session.scalars(asked))


def _query(which: MaskFilter) -> Select:
    same = (RegionRow.project == AnnotationRow.project) & (RegionRow.annotation == AnnotationRow.id)
    task = (TaskRow.project == AnnotationRow.project) & (TaskRow.id == AnnotationRow.task)
    query = select(AnnotationRow, RegionRow, TaskRow.data).join(RegionRow, same).outerjoin(TaskRow, task)
    query = query.where(
        AnnotationRow.deleted_at.is_(None), ~AnnotationRow.cancelled, RegionRow.mask.is_not(None)
    )
    if which.project:
        query = query.where(is_project(AnnotationRow.project, which.project))
    if which.label:
        query = query.where(RegionRow.label == which.label)
    if which.annotator:
        query = query.where(AnnotationRow.annotator == which.annotator)
    if which.since:
        query = query.where(AnnotationRow.updated_at >= which.since)
    if which.until:
        query = query.where(AnnotationRow.updated_at < which.until)
    return query.order_by(AnnotationRow.project, AnnotationRow.task, AnnotationRow.id, RegionRow.id)

"""The record's lessons: which masks are still to be learnt from, and which lessons are out of date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Select, Subquery, delete, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from click99.annotations.database import insert_new
from click99.annotations.saved_masks import SavedMask, clicks_of
from click99.annotations.tables import AnnotationRow, ClickRow, ForgottenRow, LessonRow, RegionRow, TaskRow

KEPT = 64  # newest masks of a label that are remembered
Key = tuple[str, str, str]  # project, annotation, region
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Stamp(NamedTuple):
    """Changes with a label's lessons."""

    version: str
    masks: int
    saved_at: datetime


def accepted() -> Subquery:
    """Keys of the newest masks of each label that people drew or accepted, `age` 1 the newest.

    One that nobody touched, such as an imported prediction, has no click.
    """
    same = (RegionRow.project == AnnotationRow.project) & (RegionRow.annotation == AnnotationRow.id)
    clicked = exists().where(ClickRow.region == RegionRow.id, ClickRow.project == RegionRow.project)
    saved_at = func.coalesce(AnnotationRow.updated_at, AnnotationRow.created_at, LONG_AGO)
    newest_first = {"partition_by": (RegionRow.project, RegionRow.label), "order_by": saved_at.desc()}
    forgotten = (ForgottenRow.project == RegionRow.project) & (ForgottenRow.label == RegionRow.label)
    columns = [RegionRow.project, RegionRow.annotation, RegionRow.id.label("region"), RegionRow.label]
    columns += [RegionRow.mask, saved_at.label("saved_at")]
    return (
        select(*columns, func.row_number().over(**newest_first).label("age"))
        .join(AnnotationRow, same)
        .outerjoin(ForgottenRow, forgotten)
        .where(AnnotationRow.deleted_at.is_(None), ~AnnotationRow.cancelled, RegionRow.mask.is_not(None))
        .where(or_(RegionRow.origin != "prediction", clicked))
        .where(or_(ForgottenRow.at.is_(None), ForgottenRow.at < saved_at))
        .subquery()
    )


def _taught(mask: Subquery, version: str):  # pyright: ignore[reportUnknownParameterType]
    """Whether a lesson row is of just that mask under that label."""
    keys = tuple_(LessonRow.project, LessonRow.annotation, LessonRow.region, LessonRow.mask, LessonRow.label)
    same = keys == tuple_(mask.c.project, mask.c.annotation, mask.c.region, mask.c.mask, mask.c.label)
    return same & (LessonRow.version == version)


def due(session: Session, version: str, most: int, projects: Sequence[str] | None = None) -> list[SavedMask]:
    """Masks that this model version has not learnt from, the oldest first. projects: whose; None: all."""
    mask = accepted()
    asked = select(mask).where(mask.c.age <= KEPT, ~exists().where(_taught(mask, version)))
    untaught = (asked if projects is None else asked.where(mask.c.project.in_(projects))).subquery()
    found = session.execute(_rows(untaught, most)).all()
    return [SavedMask(a, r, clicks_of(session, a, r), data) for a, r, data in found]


def _rows(mask: Subquery, most: int) -> Select:
    annotation = (AnnotationRow.project == mask.c.project) & (AnnotationRow.id == mask.c.annotation)
    region = (
        (RegionRow.project == mask.c.project)
        & (RegionRow.annotation == mask.c.annotation)
        & (RegionRow.id == mask.c.region)
    )
    task = (TaskRow.project == AnnotationRow.project) & (TaskRow.id == AnnotationRow.task)
    query = select(AnnotationRow, RegionRow, TaskRow.data).select_from(mask).join(AnnotationRow, annotation)
    return query.join(RegionRow, region).outerjoin(TaskRow, task).order_by(mask.c.saved_at).limit(most)


def stale(session: Session, version: str) -> list[Key]:
    """Lessons of masks that were changed, relabelled, deleted, forgotten or pushed out by newer ones."""
    mask = accepted()
    fits = select(mask).where(mask.c.age <= KEPT).subquery()
    keys = select(LessonRow.project, LessonRow.annotation, LessonRow.region)
    asked = keys.where(LessonRow.version == version, ~exists().where(_taught(fits, version)))
    return [(project, annotation, region) for project, annotation, region in session.execute(asked).all()]


def drop(session: Session, version: str, keys: Sequence[Key]) -> None:
    for project, annotation, region in keys:
        named = {"project": project, "annotation": annotation, "region": region, "version": version}
        session.execute(delete(LessonRow).filter_by(**named))


def lessons_of(session: Session, project: str, label: str, version: str) -> list[LessonRow]:
    """The newest last."""
    asked = select(LessonRow).filter_by(project=project, label=label, version=version)
    return list(session.scalars(asked.order_by(LessonRow.saved_at, LessonRow.region)))


def stamps(session: Session, version: str, most: int) -> dict[tuple[str, str], Stamp]:
    """By (project, label) of those that were learnt last."""
    newest = func.max(LessonRow.saved_at)
    asked = select(LessonRow.project, LessonRow.label, func.count(), newest)
    of_version = asked.where(LessonRow.version == version)
    grouped = of_version.group_by(LessonRow.project, LessonRow.label).order_by(newest.desc()).limit(most)
    rows = session.execute(grouped).all()
    return {(project, label): Stamp(version, count, saved_at) for project, label, count, saved_at in rows}


def keep(session: Session, lesson: LessonRow) -> None:
    """Once: another server may have learnt it, too."""
    columns = LessonRow.__table__.columns
    insert_new(session, LessonRow, {column.name: getattr(lesson, column.name) for column in columns})


def forget(session: Session, project: str, label: str, now: datetime) -> int:
    """Forget what was learnt of a label in a project, and what was saved until now, or by a clock that is
    ahead. How many masks."""
    mask = accepted()
    saved = select(func.max(mask.c.saved_at)).where(mask.c.project == project, mask.c.label == label)
    until = max(now, session.scalar(saved) or now)
    insert_new(session, ForgottenRow, {"project": project, "label": label, "at": until})
    session.get_one(ForgottenRow, (project, label)).at = until
    asked = delete(LessonRow).where(LessonRow.project == project, LessonRow.label == label)
    return session.execute(asked).rowcount  # pyright: ignore

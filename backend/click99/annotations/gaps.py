"""What the record knows of a Label Studio, to find what it was not told of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from click99.annotations.database import insert_new
from click99.annotations.payloads import SavedAnnotation, SavedProject
from click99.annotations.tables import AnnotationRow, ClickRow, EventRow, ScheduleRow, TaskRow


def counts(session: Session) -> tuple[int, int, int]:
    """Clicks, annotations that are not deleted, and events that could not be read."""
    clicks = select(func.count()).select_from(ClickRow)
    annotations = select(func.count()).select_from(AnnotationRow).filter_by(deleted_at=None)
    unread = select(func.count()).select_from(EventRow).where(EventRow.problem.is_not(None))
    clicked, saved, failed = (session.scalar(query) or 0 for query in (clicks, annotations, unread))
    return clicked, saved, failed


def project_key(project: Mapping[str, Any]) -> str:
    """How the record calls a project of the API's."""
    return SavedProject.model_validate(project).key


def tasks_with_annotations(session: Session, project: str) -> set[str]:
    """The tasks whose annotations are not all deleted."""
    found = select(AnnotationRow.task).filter_by(project=project, deleted_at=None).distinct()
    return {task for task in session.scalars(found) if task is not None}


def live(session: Session, project: str, task: str) -> dict[str, datetime | None]:
    """When each of a task's annotations that are not deleted was last changed, by id."""
    found = select(AnnotationRow).filter_by(project=project, task=task, deleted_at=None)
    return {row.id: row.updated_at for row in session.scalars(found)}


def is_compared(session: Session, project: str, task: str, updated_at: datetime) -> bool:
    """Whether a task is as it was when its annotations were compared."""
    known = session.get(TaskRow, (project, task))
    return bool(known and known.synced_at == updated_at)


def unknown(
    live: Mapping[str, datetime | None], annotations: Collection[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Of all annotations that a task has: those that are new or changed; and the ids of those deleted.

    live: read before the annotations were asked for. One made in between would seem deleted otherwise.
    """
    told = {str(raw.get("id")): raw for raw in annotations}
    new = [raw for number, raw in told.items() if number not in live or live[number] != _updated_at(raw)]
    return new, sorted(live.keys() - told.keys())


def note_compared(session: Session, project: str, task: str, updated_at: datetime) -> None:
    insert_new(session, TaskRow, {"project": project, "id": task})
    session.get_one(TaskRow, (project, task)).synced_at = updated_at


def claim(session: Session, name: str, every: timedelta, now: datetime) -> bool:
    """Whether something regular is due; who is told so does it, and nobody else."""
    if insert_new(session, ScheduleRow, {"name": name, "begun_at": now}):
        return True
    row = session.get_one(ScheduleRow, name, with_for_update=True)
    if now - row.begun_at < every:
        return False
    row.begun_at = now
    return True


def _updated_at(raw: Mapping[str, Any]) -> datetime | None:
    """None, too, when it is no time that the record holds: then the annotation is none that it knows."""
    try:
        return SavedAnnotation.model_validate({"id": 0, "updated_at": raw.get("updated_at")}).updated_at
    except ValidationError:
        return None

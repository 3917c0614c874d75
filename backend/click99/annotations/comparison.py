"""The record compared with Label Studio: what no event told, found through its API."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from click99.annotations.database import Database, insert_new
from click99.annotations.event_payloads import SavedAnnotation, SavedProject
from click99.annotations.events import keep_event
from click99.annotations.tables import AnnotationRow, TaskRow
from click99.labelstudio.client import Client
from click99.labelstudio.errors import ApiMissingError
from click99.labelstudio.listings import told

PAGE = 100  # tasks asked for at a time


class ListedTask(BaseModel):
    """Of a page of tasks, without its annotations."""

    id: int
    data: dict[str, Any]
    updated_at: AwareDatetime
    total_annotations: int
    cancelled_annotations: int


class WholeTask(BaseModel):
    annotations: list[dict[str, Any]]


@dataclass(frozen=True)
class TaskDifference:
    """What the record did not know of a task. saved: annotations that are new or changed. deleted: that are
    gone."""

    saved: int = 0
    deleted: int = 0


def differences(client: Client, database: Database, only: int | None = None) -> Iterator[TaskDifference]:
    """Bring the record up to date, task by task; begun again, it goes on where it was.

    only: a project's id. LabelStudioError when the API fails; what was compared until then is recorded.
    """
    for listed in client.projects():
        project = told(SavedProject, listed, "GET /api/projects")
        if only in (None, project.id):
            yield from _of_project(client, database, project)


def _of_project(client: Client, database: Database, project: SavedProject) -> Iterator[TaskDifference]:
    key, named, seen = project.key, project.model_dump(mode="json", include={"id", "created_at"}), set()
    for listed in client.tasks(project.id, PAGE):
        task = told(ListedTask, listed, "GET /api/tasks")
        seen.add(str(task.id))
        yield _of_task(client, database, key, named, task)
    with database.reading() as session:
        missing = _tasks_with_annotations(session, key) - seen
    for number in sorted(missing):
        if _is_gone(client, number):
            _keep(database, {"action": "TASKS_DELETED", "tasks": [{"id": number}], "project": named})
            yield TaskDifference(deleted=1)


def _of_task(
    client: Client, database: Database, key: str, project: Mapping[str, Any], task: ListedTask
) -> TaskDifference:
    number, many = str(task.id), task.total_annotations + task.cancelled_annotations
    with database.reading() as session:
        live = _live(session, key, number)
        if _is_compared(session, key, number, task.updated_at) and len(live) == many:
            return TaskDifference()
    # All of the task: the call for its annotations alone leaves out those that were skipped.
    path = f"/api/tasks/{number}"
    whole = told(WholeTask, client.call("GET", path), f"GET {path}") if many or live else None
    new, deleted = unknown(live, whole.annotations if whole else [])
    about = {"id": task.id, "data": task.data}
    for annotation in new:
        _keep(database, {"action": "SYNCED", "annotation": annotation, "task": about, "project": project})
    if deleted:
        gone = [{"id": annotation} for annotation in deleted]
        _keep(database, {"action": "ANNOTATIONS_DELETED", "annotations": gone, "project": project})
    with database.writing() as session:
        _remember_compared(session, key, number, task.updated_at)
    return TaskDifference(len(new), len(deleted))


def unknown(
    live: Mapping[str, datetime | None], annotations: Collection[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Of all annotations that a task has: those that are new or changed; and the ids of those deleted.

    live: read before the annotations were asked for. One made in between would seem deleted otherwise.
    """
    told = {str(raw.get("id")): raw for raw in annotations}
    new = [raw for number, raw in told.items() if number not in live or live[number] != _updated_at(raw)]
    return new, sorted(live.keys() - told.keys())


def _updated_at(raw: Mapping[str, Any]) -> datetime | None:
    """None, too, when it is no time that the record holds: then the annotation is none that it knows."""
    try:
        return SavedAnnotation.model_validate({"id": 0, "updated_at": raw.get("updated_at")}).updated_at
    except ValidationError:
        return None


def _is_gone(client: Client, task: str) -> bool:
    """One may also be missing in the list because pages moved while they were read."""
    try:
        client.call("GET", f"/api/tasks/{task}")
    except ApiMissingError:
        return True
    return False


def _keep(database: Database, event: Mapping[str, Any]) -> None:
    with database.writing() as session:
        keep_event(session, json.dumps(event).encode(), datetime.now(UTC))


def _tasks_with_annotations(session: Session, project: str) -> set[str]:
    """The tasks whose annotations are not all deleted."""
    found = select(AnnotationRow.task).filter_by(project=project, deleted_at=None).distinct()
    return {task for task in session.scalars(found) if task is not None}


def _live(session: Session, project: str, task: str) -> dict[str, datetime | None]:
    """When each of a task's annotations that are not deleted was last changed, by id."""
    found = select(AnnotationRow).filter_by(project=project, task=task, deleted_at=None)
    return {row.id: row.updated_at for row in session.scalars(found)}


def _is_compared(session: Session, project: str, task: str, updated_at: datetime) -> bool:
    """Whether a task is as it was when its annotations were compared."""
    known = session.get(TaskRow, (project, task))
    return bool(known and known.synced_at == updated_at)


def _remember_compared(session: Session, project: str, task: str, updated_at: datetime) -> None:
    insert_new(session, TaskRow, {"project": project, "id": task})
    session.get_one(TaskRow, (project, task)).synced_at = updated_at

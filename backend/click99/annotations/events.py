"""Events into the record: what was sent is kept as it is, then read. In any order, as often as they come."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from click99.annotations.database import insert_new, is_away, reason
from click99.annotations.event_payloads import RegionItem, SavedAnnotation, SavedEvent, SavedTask
from click99.annotations.masks import Bits, keep
from click99.annotations.tables import AnnotationRow, EventRow, RegionRow, TaskRow
from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.loose_values import fields, name_of, names_of, read_json
from click99.labelstudio.pixels import MAX_PIXELS
from click99.labelstudio.region_types import Kind, content, held_as, read

log = logging.getLogger(__name__)

SAVED = {"ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "SYNCED", "IMPORTED"}
DELETED = {"ANNOTATION_DELETED", "ANNOTATIONS_DELETED"}
MOST_PROBLEMS = 20  # problems that are told of one event


def keep_event(session: Session, body: bytes, received_at: datetime) -> EventRow | None:
    """Keep an event and what it tells; None when it is kept already.

    One that cannot be read, tells what no table holds, or has masks that cannot be read, is kept with the
    reason, and logged.
    """
    digest = hashlib.sha256(body).hexdigest()
    values = {"digest": digest, "received_at": received_at, "body": body, "action": ""}
    if not insert_new(session, EventRow, values):
        return None
    event = session.get_one(EventRow, digest)
    try:
        told = read_json(SavedEvent, body)
        with session.begin_nested():  # what it tells is kept whole or not at all, the event in any case
            event.action = told.action
            event.problem = _joined(_apply(session, told, event))
    except ValidationError as error:
        event.problem = _explain(error)
    except Exception as error:
        if is_away(error):
            raise
        event.problem = reason(error)
    if event.problem:
        log.warning("Event %.12s (%s) is kept but not read: %.500s", digest, event.action, event.problem)
    return event


def _joined(problems: list[str]) -> str | None:
    more = [f"{len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
    return "; ".join(problems[:MOST_PROBLEMS] + more) or None


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"


def _apply(session: Session, told: SavedEvent, event: EventRow) -> list[str]:
    """What an event tells. Returns what of it could not be read. Unknown actions tell nothing."""
    annotations = told.annotation + told.annotations
    if told.action in DELETED:
        for annotation in annotations:
            _bury(session, _row(session, told.project_key, annotation.id), event)
    elif told.action == "TASKS_DELETED":
        for task in told.tasks:
            of_task = select(AnnotationRow).filter_by(project=told.project_key, task=task.id)
            for row in session.scalars(of_task):
                _bury(session, row, event)
    elif told.action in SAVED | {"TASKS_CREATED"}:
        for task in told.task + told.tasks:
            _keep_task(session, told.project_key, task)
        if told.action in SAVED:
            return [p for a in annotations for p in _keep_annotation(session, told, a, event)]
    return []


def _row(session: Session, project: str, annotation: str) -> AnnotationRow:
    """The annotation, a new and empty one if need be."""
    insert_new(session, AnnotationRow, {"project": project, "id": annotation, "cancelled": False})
    return session.get_one(AnnotationRow, (project, annotation), with_for_update=True)


def _bury(session: Session, row: AnnotationRow, event: EventRow) -> None:
    """What was deleted keeps its masks; a creation that comes later does not revive it."""
    row.deleted_at = row.deleted_at or event.received_at


def _keep_task(session: Session, project: str, task: SavedTask) -> None:
    insert_new(session, TaskRow, {"project": project, "id": task.id})
    if task.data is not None:
        session.get_one(TaskRow, (project, task.id)).data = task.json_data


def _keep_annotation(session: Session, told: SavedEvent, new: SavedAnnotation, event: EventRow) -> list[str]:
    """The annotation's newest state. An event that was overtaken by a later one changes nothing."""
    row = _row(session, told.project_key, new.id)
    if row.updated_at and (new.updated_at is None or new.updated_at < row.updated_at):
        return []
    row.task = row.task if new.task is None else str(new.task)
    row.annotator, row.created_at, row.updated_at = new.annotator, new.created_at, new.updated_at
    row.lead_time, row.cancelled, row.event = new.lead_time, bool(new.was_cancelled), event.digest
    session.execute(delete(RegionRow).filter_by(project=row.project, annotation=row.id))
    regions = {r.id: r for r in (_region(session, row, item) for item in new.items) if r is not None}
    session.add_all(regions.values())
    return [f"annotation {row.id}, region {r.id}: {r.problem}" for r in regions.values() if r.problem]


def _region(session: Session, row: AnnotationRow, raw: dict[str, Any]) -> RegionRow | None:
    """A result's mask; None for results that are none, such as clicks."""
    type = name_of(raw.get("type"))
    kind = held_as(type, fields(raw.get("value")))
    if kind is None:
        return None
    region = RegionRow(
        project=row.project, annotation=row.id, id=str(raw.get("id")), label="", kind=kind, origin=""
    )
    try:
        item = RegionItem.model_validate(raw)
        region.label, region.origin = ", ".join(names_of(item.value.get(type))), item.origin
        region.mask = keep(session, _decode(kind, item))
    except ValidationError as error:
        region.problem = _explain(error)
    except (LabelStudioError, TypeError, ValueError) as error:
        region.problem = str(error)
    return region


def _decode(kind: Kind, item: RegionItem) -> Bits:
    height, width = item.original_height, item.original_width
    if height * width > MAX_PIXELS:
        raise ValueError(f"original_width × original_height: {width} × {height} is larger than any image")
    return Bits.pack(read(kind, content(kind, item.value), height, width))

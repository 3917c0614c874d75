"""Label Studio's events as far as the record reads them. All else stays in the raw event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, model_validator

from click99.labelstudio.loose_values import Objects, listed
from click99.labelstudio.webhook import beside

Id = Annotated[str, BeforeValidator(str)]


def _told_anywhere(time: datetime) -> datetime:
    """Databases give times in zones of their own, where those at the ends of the calendar are none."""
    if not 1 < time.year < 9999:
        raise ValueError(f"the year {time.year} is out of range")
    return time.astimezone(UTC)


Time = Annotated[AwareDatetime, AfterValidator(_told_anywhere)]


class SavedProject(BaseModel):
    """known_as: its key, where an event of our own knows it."""

    id: int | str
    created_at: Time | None = None
    known_as: str | None = None

    @property
    def key(self) -> str:
        """As Label Studio names it with a click: "7.1795475271"."""
        if self.known_as:
            return self.known_as
        return f"{self.id}.{int(self.created_at.timestamp())}" if self.created_at else str(self.id)


class SavedTask(BaseModel):
    id: Id
    data: dict[str, Any] | None = None

    @property
    def json_data(self) -> str | None:
        return None if self.data is None else json.dumps(self.data)


class SavedAnnotation(BaseModel):
    """completed_by: a user's id, or all of the user. items: the results, as they are."""

    id: Id
    task: int | str | None = None
    completed_by: int | str | dict[str, Any] | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    lead_time: float | None = None
    was_cancelled: bool | None = None
    items: Objects = Field(default=[], alias="result")

    @property
    def annotator(self) -> str | None:
        who = self.completed_by
        who = who.get("id", who.get("email")) if isinstance(who, dict) else who
        return None if who is None else str(who)


class SavedEvent(BaseModel):
    """annotation, annotations: one or many, of the task beside them unless they name their own. Deletions
    bring ids only."""

    action: str
    project: SavedProject | None = None
    task: Annotated[list[SavedTask], BeforeValidator(listed)] = []
    tasks: Annotated[list[SavedTask], BeforeValidator(listed)] = []
    annotation: Annotated[list[SavedAnnotation], BeforeValidator(listed)] = []
    annotations: Annotated[list[SavedAnnotation], BeforeValidator(listed)] = []

    @model_validator(mode="after")
    def _tell_tasks(self) -> Self:
        for annotation, task in zip(self.annotation, beside(self.annotation, self.task), strict=False):
            annotation.task = task.id if annotation.task is None else annotation.task
        return self

    @property
    def project_key(self) -> str:
        return self.project.key if self.project else ""


class RegionItem(BaseModel):
    """A result that is a mask. value: depends on the kind."""

    id: str
    type: str
    original_height: Annotated[int, Field(ge=1)]
    original_width: Annotated[int, Field(ge=1)]
    origin: str = "manual"
    value: dict[str, Any]

"""What Label Studio tells at /webhook, as far as a server acts on it (the record reads more)."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, model_validator

from click99.labelstudio.loose_values import Name, fields, listed
from click99.labelstudio.payloads import Work


class Mention(BaseModel):
    """A project or a task as an event names it. label_config: the project's. data: the task's."""

    id: Name = ""
    label_config: Name = ""
    data: Annotated[dict[str, Any], BeforeValidator(fields)] = {}


Mentions = Annotated[list[Mention], BeforeValidator(listed, Mention | list[Mention])]
Project = Annotated[list[Mention], BeforeValidator(listed, Mention)]
Annotations = Annotated[list[Work], BeforeValidator(listed, Work | list[Work])]


class WebhookEvent(BaseModel):
    """POST /webhook: ANNOTATION_CREATED, PROJECT_UPDATED, START_TRAINING … One of something, or many: called
    `tasks` and `annotations`, too."""

    action: str
    projects: Project = Field(default=[], validation_alias="project")
    tasks: Mentions = Field(default=[], validation_alias=AliasChoices("task", "tasks"))
    annotations: Annotations = Field(default=[], validation_alias=AliasChoices("annotation", "annotations"))

    @model_validator(mode="after")
    def _tell_tasks(self) -> Self:
        """Of many annotations each has a task beside it, of one task all are."""
        for annotation, task in zip(self.annotations, beside(self.annotations, self.tasks), strict=False):
            annotation.task = annotation.task or task.id
        return self


def beside(annotations: list[Any], tasks: list[Any]) -> list[Any]:
    """The task of each annotation, where an event tells them in two lists."""
    return tasks * len(annotations) if len(tasks) == 1 else tasks

"""What Label Studio sends. Fields that click99 does not read are ignored; its answers: predictions.py.

What a click is about is checked (400). What other programs have left in the task, in its drafts and
annotations, is read as far as it makes sense: nothing there may keep a click from its answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from click99.labelstudio.errors import PayloadError
from click99.labelstudio.loose_values import Name, Names, Objects, Percent, objects

Model = TypeVar("Model", bound=BaseModel)
PROMPTS = ("keypointlabels", "keypoint", "rectanglelabels", "rectangle")  # the types of clicks and boxes
WITHOUT_LABELS = ("keypoint", "rectangle")  # of them those that leave the label to the answer's control


class ItemValue(BaseModel):
    """x, y: percent of the image's width and height; absent on what is neither keypoint nor box.

    Of a box: x and y its corner, width and height in percent, rotation in degrees around that corner. A
    click has a width, too: of the dot that is drawn. positive: where other programs say what
    `ContextItem.is_positive` says. labels: of all controls; of a click that brings none of its own, those of
    the region that is selected.
    """

    x: Percent | None = None
    y: Percent | None = None
    width: Percent | None = None
    height: Percent | None = None
    rotation: Percent = 0.0
    positive: bool | None = None
    labels: Names = []
    keypointlabels: Names = []
    rectanglelabels: Names = []


class ContextItem(BaseModel):
    """One pending region of an interactive call. is_positive: false with Alt-click, sometimes missing.
    item_index: of the picture, where a tag shows several. id: without one, made of its type and place.
    from_name, to_name: "" when they are missing: the only control that fits is meant."""

    id: Name = ""
    type: str
    from_name: Name = ""
    to_name: Name = ""
    original_width: int | None = None
    original_height: int | None = None
    is_positive: bool | None = None
    item_index: int | None = None
    value: ItemValue

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.is_positive is None:
            self.is_positive = self.value.positive
        self.id = self.id or f"{self.type} {self.value.x} {self.value.y}"
        return self

    @property
    def is_click(self) -> bool:
        """A rectangle without extent, too: where labels of dots and of boxes are chosen at once, Label Studio
        sends a click as both."""
        of_prompt = self.type in PROMPTS
        return of_prompt and not self.is_box and self.value.x is not None and self.value.y is not None

    @property
    def is_box(self) -> bool:
        return self.type in ("rectanglelabels", "rectangle") and bool(self.value.width and self.value.height)

    @property
    def needs_label(self) -> bool:
        return self.type in PROMPTS and self.type not in WITHOUT_LABELS

    @property
    def labels(self) -> list[str]:
        """Several only where the control has choice="multiple"."""
        if not self.needs_label:
            return []
        return self.value.rectanglelabels if self.type == "rectanglelabels" else self.value.keypointlabels

    @property
    def label(self) -> str | None:
        return next(iter(self.labels), None)

    @property
    def selected(self) -> list[str]:
        """The labels of the region that was selected when it was clicked; none: there was no such region."""
        return [] if self.needs_label else self.value.labels

    @property
    def object(self) -> tuple[str, str | None, int | None]:
        """Clicks on one object share the control, the label and the picture."""
        return self.from_name, self.label, self.item_index


class Context(BaseModel):
    """event: what a client asks instead of a mask: prewarm, release, capabilities; mostly missing."""

    event: Name = ""
    result: list[ContextItem] = []


class Params(BaseModel):
    context: Context | None = None


def _submitted(value: Any) -> Literal["annotation"]:
    """Whatever a work calls itself; its place in the task says better what it is."""
    return "annotation"


class Work(BaseModel):
    """A draft, a submitted annotation or a prediction. items: its results, as they are. user: of a draft, an
    email. task: its task's id, where it is told alone."""

    model_config = ConfigDict(populate_by_name=True)

    id: Name = ""
    updated_at: Name = ""
    user: Name = ""
    task: Name = ""
    items: Objects = Field(default=[], alias="result")
    was_cancelled: Annotated[bool, BeforeValidator(bool)] = False
    kind: Annotated[Literal["draft", "annotation", "prediction"], BeforeValidator(_submitted)] = "annotation"

    @property
    def is_draft(self) -> bool:
        return self.kind == "draft"

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.kind} {self.id}"


Works = Annotated[list[Work], BeforeValidator(objects)]


class Task(BaseModel):
    """data: the task's own fields, such as the image's address. drafts: of the one who clicks only.
    annotations: the submitted ones, everybody's. predictions: the first is shown to who begins. id: without
    one, made of the data."""

    id: Name = ""
    data: dict[str, Any]
    drafts: Works = []
    annotations: Works = []
    predictions: Works = []

    @model_validator(mode="after")
    def _complete(self) -> Self:
        data = json.dumps(self.data, sort_keys=True) if not self.id else ""
        self.id = self.id or hashlib.sha256(data.encode()).hexdigest()[:12]
        return self

    def open_work(self, click_ids: Collection[str]) -> Work:
        """What the one who clicks most likely has on screen; nothing: empty.

        The draft that knows one of the clicks is it for certain. Otherwise the newest draft, otherwise the
        newest submitted annotation, otherwise the newest that was skipped. Where there is none of them Label
        Studio begins with the first prediction, under its regions' own ids.
        """
        drafts = sorted(self.drafts, key=lambda draft: draft.updated_at, reverse=True)
        for draft in drafts:
            if any(item.get("id") in click_ids for item in draft.items):
                return draft.model_copy(update={"kind": "draft"})
        if drafts:
            return drafts[0].model_copy(update={"kind": "draft"})
        if self.annotations:
            return max(self.annotations, key=lambda work: (not work.was_cancelled, work.updated_at))
        first = next(iter(self.predictions), Work())
        return first.model_copy(update={"kind": "prediction"})


class PredictRequest(BaseModel):
    """POST /predict. Without a context it is the opening of tasks, with one it is an interactive click."""

    tasks: list[Task] = Field(min_length=1)
    label_config: str
    project: Name = ""
    params: Params | None = None

    @property
    def task(self) -> Task:
        return self.tasks[0]

    @property
    def task_name(self) -> str:
        """A project's name holds when it was made, so that no two Label Studios mix."""
        return f"{self.project} {self.task.id}"

    @property
    def context(self) -> Context | None:
        return self.params and self.params.context


class SetupRequest(BaseModel):
    """POST /setup: sent when a backend is connected and with every health check. label_config: "schema"."""

    model_config = ConfigDict(populate_by_name=True)

    label_config: str = Field(default="", alias="schema")
    hostname: str | None = None
    access_token: SecretStr | None = None


def parse(model: type[Model], body: bytes) -> Model:
    """A request's body as `model`; PayloadError naming the first wrong field, or that it is not JSON."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        raise PayloadError("body", first["msg"], "Send JSON as Label Studio does") from None
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    value = "" if first["type"] == "missing" else f", not {_short(first['input'])}"
    raise PayloadError(field or "body", first["msg"] + value, "Send it as Label Studio does") from None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

"""What Label Studio sends. Fields that click99 does not read are ignored; its answers: predictions.py."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, SkipValidation, ValidationError

from click99.labelstudio.errors import PayloadError

Model = TypeVar("Model", bound=BaseModel)
Percent = Annotated[float, Field(allow_inf_nan=False)]


class ItemValue(BaseModel):
    """x, y: percent of the image's width and height; absent on what is neither keypoint nor box.

    Of a box: x and y its corner, width and height in percent, rotation in degrees around that corner. A
    click has a width, too: of the dot that is drawn.
    """

    x: Percent | None = None
    y: Percent | None = None
    width: Percent | None = None
    height: Percent | None = None
    rotation: Percent = 0.0
    keypointlabels: list[str] = []
    rectanglelabels: list[str] = []


class ContextItem(BaseModel):
    """One pending region of an interactive call. is_positive: false with Alt-click, sometimes missing.
    item_index: of the picture, where a tag shows several."""

    id: str
    type: str
    from_name: str
    to_name: str
    original_width: int | None = None
    original_height: int | None = None
    is_positive: bool | None = None
    item_index: int | None = None
    value: ItemValue

    @property
    def is_click(self) -> bool:
        """A rectangle without extent, too: where labels of dots and of boxes are chosen at once, Label Studio
        sends a click as both."""
        of_prompt = self.type in ("keypointlabels", "keypoint", "rectanglelabels", "rectangle")
        return of_prompt and not self.is_box and self.value.x is not None and self.value.y is not None

    @property
    def is_box(self) -> bool:
        return self.type in ("rectanglelabels", "rectangle") and bool(self.value.width and self.value.height)

    @property
    def needs_label(self) -> bool:
        """Those of KeyPoint and Rectangle have none: the answer's control has them."""
        return self.type in ("keypointlabels", "rectanglelabels")

    @property
    def labels(self) -> list[str]:
        """Several only where the control has choice="multiple"."""
        return self.value.rectanglelabels if self.type == "rectanglelabels" else self.value.keypointlabels

    @property
    def label(self) -> str | None:
        return next(iter(self.labels), None)

    @property
    def object(self) -> tuple[str, str | None, int | None]:
        """Clicks on one object share the control, the label and the picture."""
        return self.from_name, self.label, self.item_index


class Context(BaseModel):
    result: list[ContextItem] = []


class Params(BaseModel):
    context: Context | None = None


def _objects(value: Any) -> list[dict[str, Any]]:
    """Only what is a list of objects counts: imports and other programs leave all kinds of things there."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


Objects = Annotated[list[Any], BeforeValidator(_objects), SkipValidation]


class Work(BaseModel):
    """A draft or a submitted annotation. items: its results, as they are. user: of a draft, an email."""

    model_config = ConfigDict(populate_by_name=True)

    id: int | str = 0
    updated_at: str = ""
    user: str | None = None
    items: Objects = Field(default=[], alias="result")
    annotation: int | str | None = None
    was_cancelled: bool | None = None
    is_draft: bool = False

    @property
    def name(self) -> str:
        """For messages."""
        return f"{'draft' if self.is_draft else 'annotation'} {self.id}"


class Task(BaseModel):
    """data: the task's own fields, such as the image's address. drafts: of the one who clicks only.
    annotations: the submitted ones, everybody's."""

    id: int | str
    data: dict[str, Any]
    drafts: Annotated[list[Work], BeforeValidator(_objects)] = []
    annotations: Annotated[list[Work], BeforeValidator(_objects)] = []

    def open_work(self, click_ids: Collection[str]) -> Work:
        """What the one who clicks most likely has on screen; nothing: empty.

        The draft that knows one of the clicks is it for certain. Otherwise the newest draft, otherwise the
        newest submitted annotation.
        """
        drafts = sorted(self.drafts, key=lambda draft: draft.updated_at, reverse=True)
        for draft in drafts:
            if any(item.get("id") in click_ids for item in draft.items):
                return draft.model_copy(update={"is_draft": True})
        if drafts:
            return drafts[0].model_copy(update={"is_draft": True})
        submitted = [annotation for annotation in self.annotations if not annotation.was_cancelled]
        return max(submitted, key=lambda annotation: annotation.updated_at, default=Work())


class PredictRequest(BaseModel):
    """POST /predict. Without a context it is the opening of tasks, with one it is an interactive click."""

    tasks: list[Task] = Field(min_length=1)
    label_config: str
    project: str | None = None
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

    project: str | None = None
    label_config: str = Field(default="", alias="schema")
    hostname: str | None = None
    access_token: SecretStr | None = None


class ProjectRef(BaseModel):
    id: int
    label_config: str = ""


class TaskRef(BaseModel):
    id: int


class AnyEvent(BaseModel):
    """What is common to all events, those of versions to come included."""

    action: str


class WebhookEvent(AnyEvent):
    """POST /webhook: ANNOTATION_CREATED, PROJECT_UPDATED, START_TRAINING …"""

    project: ProjectRef | None = None
    task: TaskRef | None = None
    annotation: Work | None = None


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

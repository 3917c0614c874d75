"""What Label Studio sends. Fields that click99 does not read are ignored; its answers: predictions.py.

What a click is about is checked (400). What other programs have left in the task, in its drafts and
annotations, is read as far as it makes sense: nothing there may keep a click from its answer.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from click99.labelstudio.errors import PayloadError, TooManyClicksError, TooManyResultsError
from click99.labelstudio.loose_values import (
    Model,
    Name,
    Names,
    Objects,
    Percent,
    Size,
    Which,
    fields,
    items_of,
    name_of,
    objects,
    read_json,
)

EVENTS = {"prewarm": "ok", "capabilities": "ok", "release": "released"}  # and how they are answered
PROMPTS = ("keypointlabels", "keypoint", "rectanglelabels", "rectangle")  # the types of clicks and boxes
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BOXES = ("rectanglelabels", "rectangle")
WITHOUT_LABELS = ("keypoint", "rectangle")  # of them those that leave the label to the answer's control


class ItemValue(BaseModel):
    """x, y: percent of the image's width and height; absent on what is neither keypoint nor box.

    Of a box: x and y its corner, width and height in percent, rotation in degrees around that corner. A
    click has a width, too: of the dot that is drawn. is_positive, positive: where other programs say what
    `ContextItem.is_positive` says. labels: of all controls, or where other programs say what the item's own
    say; of a click that has none, those of the region that is selected.
    """

    x: Percent | None = None
    y: Percent | None = None
    width: Percent | None = None
    height: Percent | None = None
    rotation: Percent | None = None
    is_positive: bool | None = None
    positive: bool | None = None
    labels: Names = []
    keypointlabels: Names = []
    rectanglelabels: Names = []


class ContextItem(BaseModel):
    """One pending region of an interactive call. is_positive: false with Alt-click, sometimes missing, or
    called positive. item_index: of the picture, where a tag shows several. id: without one, made of its type
    and place. from_name, to_name: "" when they are missing: the only control that fits is meant."""

    id: Name = ""
    type: str
    from_name: Name = ""
    to_name: Name = ""
    original_width: Size = None
    original_height: Size = None
    is_positive: bool | None = None
    item_index: Which = None
    positive: bool | None = None
    value: Annotated[ItemValue, BeforeValidator(fields)] = ItemValue()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        told = (self.is_positive, self.value.is_positive, self.value.positive, self.positive)
        self.is_positive = next((sign for sign in told if sign is not None), None)
        self.id = self.id or f"{self.type} {self.value.x} {self.value.y}"
        return self

    @property
    def is_click(self) -> bool:
        """A rectangle of less than a pixel, too: where labels of dots and of boxes are chosen at once, Label
        Studio sends a click as both."""
        return self.type in PROMPTS and self.has_place and not self.is_box

    @property
    def is_box(self) -> bool:
        across = _pixels(self.value.width, self.original_width)
        down = _pixels(self.value.height, self.original_height)
        is_rectangle = self.type in BOXES and self.has_place
        return is_rectangle and round(min(across, down), 6) >= 1

    @property
    def place(self) -> tuple[float | None, float | None]:
        """Of a click; of a box its corner."""
        return self.value.x, self.value.y

    @property
    def has_place(self) -> bool:
        return None not in self.place

    @property
    def needs_label(self) -> bool:
        return self.type in PROMPTS and self.type not in WITHOUT_LABELS

    @property
    def labels(self) -> list[str]:
        """Several only where the control has choice="multiple"."""
        return self._told if self.needs_label else []

    @property
    def _told(self) -> list[str]:
        value = self.value
        own = value.rectanglelabels if self.type in BOXES else value.keypointlabels
        return own or value.labels

    @property
    def label(self) -> str | None:
        return next(iter(self.labels), None)

    @property
    def selected(self) -> list[str]:
        """The labels of the region that was selected when it was clicked; none: there was no such region."""
        return [] if self.needs_label else self._told

    @property
    def object(self) -> tuple[str, str | None, int | None]:
        """Clicks on one object share the control (where it is not told, the Image tag), the label and the
        picture."""
        return self.from_name or self.to_name, self.label, self.item_index


def saved_prompt(item: Mapping[str, Any]) -> ContextItem | None:
    """A click or a box that a task holds; None: something else, or one that can't be read."""
    try:
        return ContextItem.model_validate(item) if item.get("type") in PROMPTS else None
    except ValidationError:
        return None


def _pixels(percent: float | None, size: int | None) -> float:
    """size: the image's; where it is not told, as of 1000."""
    return abs(percent or 0.0) * (size or 1000) / 100


def _only_prompts(value: Any) -> Any:
    """Of what is neither click nor box only its type counts, whatever else is in it."""
    items = items_of(value)
    return [_bare(item) for item in items] if isinstance(items, list) else items


def _bare(item: Any) -> Any:
    """Of what is no prompt the type alone, if it has one: whatever else it holds keeps no click from its
    answer."""
    kind = item.get("type") if isinstance(item, dict) else None
    return item if kind in PROMPTS else {"type": name_of(kind)}


class Context(BaseModel):
    """event: what a client asks instead of a mask: prewarm, release, capabilities; mostly missing."""

    event: Name = ""
    result: Annotated[list[ContextItem], BeforeValidator(_only_prompts)] = []


class Params(BaseModel):
    context: Context | None = None


def _submitted(value: Any) -> Literal["annotation"]:
    """Whatever a work calls itself; its place in the task says better what it is."""
    return "annotation"


class Work(BaseModel):
    """A draft, a submitted annotation or a prediction. items: its results, as they are. user: of a draft, an
    email. task: its task's id, where it is told alone. model_version: of a prediction."""

    model_config = ConfigDict(populate_by_name=True)

    id: Name = ""
    updated_at: Name = ""
    user: Name = ""
    task: Name = ""
    model_version: Name = ""
    items: Objects = Field(default=[], alias="result")
    was_cancelled: Annotated[bool, BeforeValidator(bool)] = False
    kind: Annotated[Literal["draft", "annotation", "prediction"], BeforeValidator(_submitted)] = "annotation"

    @property
    def is_draft(self) -> bool:
        return self.kind == "draft"

    @property
    def moment(self) -> tuple[float, str]:
        """When it was saved, to be compared: as text, whole seconds come after their parts."""
        try:
            read = datetime.fromisoformat(self.updated_at)
            told = read if read.tzinfo else read.replace(tzinfo=UTC)
            return (told - EPOCH).total_seconds(), ""
        except (ValueError, OverflowError):
            return float("-inf"), self.updated_at

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.kind} {self.id}"


Works = Annotated[list[Work], BeforeValidator(objects)]


class Task(BaseModel):
    """data: the task's own fields, such as the image's address. drafts: of the one who clicks only.
    annotations: the submitted ones, everybody's. predictions: one is shown to who begins, see `open_work`.
    id: without one, made of the data."""

    id: Name = ""
    data: Annotated[dict[str, Any], BeforeValidator(fields)] = {}
    drafts: Works = []
    annotations: Works = []
    predictions: Works = []

    @model_validator(mode="after")
    def _complete(self) -> Self:
        data = json.dumps(self.data, sort_keys=True) if not self.id else ""
        self.id = self.id or hashlib.sha256(data.encode()).hexdigest()[:12]
        return self

    @property
    def results(self) -> int:
        """How many it holds, of all people."""
        return sum(len(work.items) for work in (*self.drafts, *self.annotations, *self.predictions))

    def open_work(self, click_ids: Collection[str], version: str = "") -> Work:
        """What the one who clicks most likely has on screen; nothing: empty.

        The draft that knows one of the clicks is it for certain. Otherwise the newest draft, otherwise the
        newest submitted annotation, otherwise the newest that was skipped. Where there is none of them Label
        Studio begins with the newest prediction of the project's model version, `version`, else with the
        newest, under its regions' own ids.
        """
        drafts = sorted(self.drafts, key=lambda draft: draft.moment, reverse=True)
        for draft in drafts:
            if any(item.get("id") in click_ids for item in draft.items):
                return draft.model_copy(update={"kind": "draft"})
        if drafts:
            return drafts[0].model_copy(update={"kind": "draft"})
        if self.annotations:
            return max(self.annotations, key=lambda work: (not work.was_cancelled, work.moment))
        newest_first = self.predictions[::-1]
        shown = (work for work in newest_first if version and work.model_version == version)
        begun = next(shown, next(iter(newest_first), Work()))
        return begun.model_copy(update={"kind": "prediction"})


class PredictRequest(BaseModel):
    """POST /predict. Without a context it is the opening of tasks, with one it is an interactive click."""

    tasks: Annotated[list[Task], BeforeValidator(items_of)] = []
    label_config: Name = ""
    project: Name = ""
    params: Params | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Who asks for something else than a mask may ask about no task."""
        if not self.tasks and not self.event:
            raise PayloadError("tasks", "none", "Send it as Label Studio does")
        if self.context and self.context.event and not self.event and not self.context.result:
            problem, known = f"{self.context.event!r:.40} is not known", ", ".join(EVENTS)
            raise PayloadError("params.context.event", problem, f"Send clicks, or one of {known}")
        return self

    def check(self, most_results: int, most_clicks: int) -> None:
        """TooManyResultsError, TooManyClicksError: of one task, on one object."""
        for place, task in enumerate(self.tasks):
            if (results := task.results) > most_results:
                problem = f"{results} results in drafts, annotations and predictions, at most {most_results}"
                remedy = "Share the picture out to several tasks, or raise CLICK99_TASK_RESULTS"
                raise TooManyResultsError(f"tasks[{place}]", problem, remedy)
        pending = self.context.result if self.context else []
        if (clicks := max(Counter(item.object for item in pending).values(), default=0)) > most_clicks:
            problem = f"{clicks} clicks on one object, at most {most_clicks}"
            remedy = "Keep its mask and go on from there, or raise CLICK99_OBJECT_CLICKS"
            raise TooManyClicksError("params.context.result", problem, remedy)

    @property
    def event(self) -> str:
        """One of EVENTS; "": a mask is asked for, or the opening of tasks."""
        event = self.context.event if self.context else ""
        return event if event in EVENTS else ""

    @property
    def asks_nothing(self) -> bool:
        """Whether no click is left: Label Studio asks so when an annotation is submitted before its mask was
        accepted."""
        return self.context is not None and not self.event and not self.context.result

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

    label_config: Name = Field(default="", alias="schema")
    hostname: Name = ""
    access_token: Annotated[SecretStr, BeforeValidator(name_of)] = SecretStr("")


def parse(model: type[Model], body: bytes, like: str = "as Label Studio does") -> Model:
    """A request's body as `model`; PayloadError naming the first wrong field, or that it is not JSON.

    like: how it is sent right, for the message.
    """
    try:
        return read_json(model, body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        raise PayloadError("body", first["msg"], f"Send JSON {like}") from None
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    value = "" if first["type"] == "missing" else f", not {_short(first['input'])}"
    raise PayloadError(field or "body", first["msg"] + value, f"Send it {like}") from None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

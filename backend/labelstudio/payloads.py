"""What Label Studio sends and what click99 answers. Fields that click99 does not read are ignored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, SkipValidation

Model = TypeVar("Model", bound=BaseModel)


class KeypointValue(BaseModel):
    """x, y: percent of the image's width and height; absent on what is not a keypoint."""

    x: float | None = None
    y: float | None = None
    keypointlabels: list[str] = []


class ContextItem(BaseModel):
    """One pending region of the interactive call."""

    id: str
    type: str
    from_name: str
    to_name: str
    original_width: int | None = None
    original_height: int | None = None
    is_positive: bool | None = None
    value: KeypointValue


class Context(BaseModel):
    result: list[ContextItem] = []


class Params(BaseModel):
    context: Context | None = None


class Task(BaseModel):
    id: int | str
    data: dict[str, Any]


class PredictRequest(BaseModel):
    """POST /predict. Without params.context it is the opening of a task, with it an interactive click."""

    tasks: list[Task] = Field(min_length=1)
    label_config: str
    project: str | None = None
    params: Params = Params()

    @property
    def task(self) -> Task:
        return self.tasks[0]

    @property
    def context(self) -> Context | None:
        return self.params.context


class SetupRequest(BaseModel):
    """POST /setup, sent when a backend is connected and with every health check."""

    model_config = ConfigDict(populate_by_name=True)
    project: str | None = None
    label_config: str = Field(default="", alias="schema")
    hostname: str | None = None
    access_token: SecretStr | None = None


class ProjectRef(BaseModel):
    id: int


class WebhookEvent(BaseModel):
    """POST /webhook."""

    action: str
    project: ProjectRef | None = None


class PixelClick(NamedTuple):
    """A click in image pixels, origin top left. id: Label Studio's, stable when the click is dragged."""

    id: str
    x: int
    y: int
    positive: bool


class ClickGroup(NamedTuple):
    """The keypoints of one object: same control and label, in click order, each id once."""

    control: str
    label: str
    items: list[ContextItem]

    def pixels(self, height: int, width: int) -> list[PixelClick]:
        """The clicks on an image [height, width]; PayloadError when outside it or made on another size."""
        raise NotImplementedError


class BrushValue(BaseModel):
    format: Literal["rle"] = "rle"
    rle: SkipValidation[list[int]]
    brushlabels: list[str]


class BrushRegion(BaseModel):
    id: str
    from_name: str
    to_name: str
    type: Literal["brushlabels"] = "brushlabels"
    original_width: int
    original_height: int
    image_rotation: int = 0
    origin: Literal["prediction"] = "prediction"
    score: float
    readonly: bool = False
    value: BrushValue


class Prediction(BaseModel):
    result: list[BrushRegion]
    model_version: str
    score: float


class PredictResponse(BaseModel):
    """One entry per task: a prediction, or a list of them.

    For a click Label Studio reads results[0] only. On opening a task an empty list per task stores nothing;
    a prediction with an empty result becomes an empty tab, and no results at all is logged as an error.
    """

    results: list[Prediction | list[Prediction]]


def parse(model: type[Model], body: bytes) -> Model:
    """A request's body as `model`; PayloadError naming the first wrong field, or that the body is not JSON."""
    raise NotImplementedError


def click_group(items: Sequence[ContextItem]) -> ClickGroup | None:
    """The keypoints among `items` that belong to the last one's object; None when there are no keypoints."""
    raise NotImplementedError

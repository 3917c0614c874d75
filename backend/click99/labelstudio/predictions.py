"""What click99 answers to /predict: predictions as Label Studio takes them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from click99.labelstudio.region_types import Kind, MaskValue


class MaskRegion(BaseModel):
    """One mask. original_width, original_height: the image's, after its EXIF rotation. meta: what people
    noted, and the clicks (regions.py). Of a region that has a parent its id comes as `parentID`: Label Studio
    takes no null for it."""

    model_config = ConfigDict(extra="allow")

    id: str
    from_name: str
    to_name: str
    type: Kind
    original_width: int
    original_height: int
    image_rotation: int = 0
    item_index: int | None = None
    origin: Literal["prediction"] = "prediction"
    score: float
    readonly: bool = False
    meta: dict[str, Any] = {}
    value: MaskValue


class Prediction(BaseModel):
    """result: a mask, and after it what people filled in for its region (replies.py)."""

    result: list[MaskRegion | dict[str, Any]]
    model_version: str
    score: float


class Status(BaseModel):
    """The answer to an event of a client (`Context.event`)."""

    value: dict[str, Any]


class PredictResponse(BaseModel):
    """The answer to POST /predict: one entry per task, a prediction or a list of them; or a status.

    Of an interactive call's results, Label Studio reads the first only. On opening a task, an empty list
    stores nothing; a prediction with an empty result becomes an empty tab, no results at all a logged error.
    """

    results: list[Prediction | Status | list[Prediction]]

"""What click99 answers to /predict: predictions as Label Studio takes them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, SkipValidation

from click99.labelstudio.label_config import Kind

MadeOf = list[int] | str | list[list[float]]  # a brush RLE, an image's data URL, a polygon's points


class BrushValue(BaseModel):
    """rle: see brush.py; not validated again, it can be a million numbers."""

    format: Literal["rle"] = "rle"
    rle: SkipValidation[list[int]]
    brushlabels: list[str]

    @property
    def made_of(self) -> MadeOf:
        return self.rle


class BitmaskValue(BaseModel):
    """imageDataURL: see bitmask.py."""

    imageDataURL: str  # noqa: N815
    bitmasklabels: list[str]

    @property
    def made_of(self) -> MadeOf:
        return self.imageDataURL


class PolygonValue(BaseModel):
    """points: see polygon.py."""

    points: SkipValidation[list[list[float]]]
    closed: Literal[True] = True
    polygonlabels: list[str]

    @property
    def made_of(self) -> MadeOf:
        return self.points


MaskValue = BrushValue | BitmaskValue | PolygonValue


class MaskRegion(BaseModel):
    """One mask. original_width, original_height: the image's, after its EXIF rotation. meta: see meta.py."""

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
    """result: a mask, and after it what people filled in for its region (per_region.py)."""

    result: list[MaskRegion | dict[str, Any]]
    model_version: str
    score: float


class PredictResponse(BaseModel):
    """The answer to POST /predict: one entry per task, a prediction or a list of them.

    Of an interactive call's results, Label Studio reads the first only. On opening a task, an empty list
    stores nothing; a prediction with an empty result becomes an empty tab, no results at all a logged error.
    """

    results: list[Prediction | list[Prediction]]

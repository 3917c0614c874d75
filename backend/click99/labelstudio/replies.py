"""The answer to a question: the mask, and with it what people attached to its region.

Label Studio keeps what was filled in with Choices, Rating and the other controls of perRegion="true" as
results of their own under the region's id, and puts an answer of that id in the place of them all: what does
not come with the answer is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from click99.labelstudio.controls import TOOLS
from click99.labelstudio.loose_values import name_of
from click99.labelstudio.predictions import MaskRegion, Prediction
from click99.labelstudio.prompts import Question
from click99.labelstudio.region_types import OF_ANY, write
from click99.labelstudio.regions import Region, with_clicks

# Type -> the field of its value. The rest of such a value repeats the region's, as it was.
PER_REGION = {
    "choices": "choices",
    "datetime": "datetime",
    "number": "number",
    "rating": "rating",
    "taxonomy": "taxonomy",
    "textarea": "text",
}


def reply(
    question: Question,
    region: Region,
    mask: np.ndarray,
    score: float,
    version: str,
    tolerance: float,
) -> Prediction:
    """The mask, bool [H, W], as that region. score: 0…1. version: the model's. tolerance: of a polygon, in
    thousandths of the image's long side."""
    target, (height, width) = question.target_of(region.control), question.shape
    value = write(mask, target.kind, [*region.labels], tolerance)
    shown = MaskRegion(
        id=region.id,
        from_name=target.from_name,
        to_name=target.to_name,
        type=target.kind,
        original_width=width,
        original_height=height,
        item_index=target.item_index,
        score=score,
        value=value,
        **_kept(question, region),
    )
    if not value.made_of:  # an outline cannot be of nothing: it only takes the one before away
        return Prediction(result=[], model_version=version, score=score)
    result = [*as_results(shown, target.drawn_by), *filled_in(question.work.items, region.id)]
    return Prediction(result=result, model_version=version, score=score)


def as_results(shown: MaskRegion, drawn_by: str) -> list[MaskRegion | dict[str, Any]]:
    """A region as results: one; where a Labels control labels what another draws two, mask and label, as
    Label Studio saves it."""
    if not drawn_by:
        return [shown]
    region = shown.model_dump()
    labels = region["value"].pop(shown.type)
    drawn = region | {"type": TOOLS[shown.type], "from_name": drawn_by}
    return [drawn, region | {"type": OF_ANY, "value": region["value"] | {OF_ANY: labels}}]


def _kept(question: Question, region: Region) -> dict[str, Any]:
    """What the region has beside its mask: its clicks, people's note, and its parent."""
    saved = (item for item in question.work.items if item.get("id") == region.id)
    before = next((item for item in saved if str(item.get("type")) not in PER_REGION), {})
    parent = name_of(before.get("parentID"))
    return {"meta": with_clicks(before.get("meta"), region.clicks, region.begun)} | (
        {"parentID": parent} if parent else {}
    )


def filled_in(items: Iterable[Mapping[str, Any]], region: str) -> Iterator[dict[str, Any]]:
    """Of saved results, those of that region's id, as they go beside its next mask."""
    for item in items:
        field, value = PER_REGION.get(str(item.get("type"))), item.get("value")
        if item.get("id") == region and isinstance(value, Mapping) and field in value:
            meta = {"meta": _own(item["meta"])} if "meta" in item else {}
            yield {**item, "value": {field: value[field]}, **meta}


def is_related(items: Iterable[Mapping[str, Any]], region: str) -> bool:
    """Whether saved results hold a relation of the region of that id."""
    relations = (item for item in items if item.get("type") == "relation")
    return any(region in (item.get("from_id"), item.get("to_id")) for item in relations)


def _own(meta: Any) -> dict[str, Any]:
    """What of a result's `meta` does not repeat the region's note and clicks."""
    own = meta if isinstance(meta, Mapping) else {}
    return {name: told for name, told in own.items() if name not in ("text", "clicks")}

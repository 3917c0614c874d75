"""Masks that Label Studio saved under two labels of one region."""

from __future__ import annotations

from typing import Any

import pytest

from click99.labelstudio.doubled import without_doubled
from tests.server.requests import as_click, keypoint

MASKS: dict[str, dict[str, Any]] = {
    "brushlabels": {"format": "rle", "rle": [1, 2, 3]},
    "bitmasklabels": {"imageDataURL": "data:image/png;base64,AA=="},
    "polygonlabels": {"points": [[1, 2], [3, 4], [5, 6]], "closed": True},
}


def region(kind: str, name: str = "a", **value: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "value": MASKS[kind] | {kind: ["cell"]} | value}


@pytest.mark.parametrize("kind", MASKS)
def test_a_mask_is_kept_once_under_its_own_type(kind: str):
    mask, other, click = region(kind), region(kind, "b"), keypoint("c", 20, 20)
    chosen = {"id": "a", "type": "choices", "value": {"choices": ["cut"]}}
    assert without_doubled([as_click(mask), mask, chosen, other, click]) == [mask, chosen, other, click]


DIFFERENT = region("brushlabels", rle=[9])
KEPT: dict[str, list[dict[str, Any]]] = {
    "of another mask": [region("brushlabels"), as_click(DIFFERENT)],
    "of another region": [region("brushlabels"), as_click(region("brushlabels", "b"))],
    "with no mask beside it": [as_click(region("brushlabels"))],
    "with a mask that is empty": [{"id": "a", "type": "brushlabels", "value": {}}, keypoint("a", 1, 1)],
    "whose mask has no value": [{"id": "a", "type": "brushlabels"}, as_click(region("brushlabels"))],
    "of odd types": [
        region("brushlabels"),
        {"id": "a", "type": ["x"]},
        {"id": "a", "type": "keypointlabels"},
    ],
}


@pytest.mark.parametrize("items", KEPT.values(), ids=KEPT)
def test_no_mask_is_lost(items: list[dict[str, Any]]):
    assert without_doubled(items) == items

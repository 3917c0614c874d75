"""Per-region controls: what was filled in comes beside the region's next mask, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from click99.labelstudio.replies import filled_in

FILLED_IN: dict[str, dict[str, Any]] = {
    "choices": {"choices": ["cut"]},
    "datetime": {"datetime": "2026-01-01"},
    "number": {"number": 7},
    "rating": {"rating": 3},
    "taxonomy": {"taxonomy": [["plant", "leaf"]]},
    "textarea": {"text": ["a note"]},
}


def item(kind: str, value: Any, **changes: Any) -> dict[str, Any]:
    """As drafts hold it: with what is the region's, too."""
    names = {"id": "r", "from_name": "control", "to_name": "image", "type": kind}
    region = {"format": "rle", "rle": [1, 2], "touches": [], "brushlabels": ["cell"]}
    return names | {"origin": "manual", "value": region | value} | changes


@pytest.mark.parametrize(("kind", "value"), FILLED_IN.items())
def test_it_comes_without_the_old_mask(kind: str, value: dict[str, Any]):
    saved = item(kind, value)
    assert list(filled_in([saved], "r")) == [saved | {"value": value}]


def test_it_comes_in_order():
    saved = [item(kind, value) for kind, value in FILLED_IN.items()]
    assert [told["type"] for told in filled_in(saved, "r")] == list(FILLED_IN)


def test_the_regions_note_and_clicks_are_left_to_the_region():
    meta = {"text": ["blurred"], "clicks": [["a", 1, 2, True]], "lead_time": 4.5}
    (told,) = filled_in([item("textarea", {"text": ["a note"]}, meta=meta)], "r")
    assert told["meta"] == {"lead_time": 4.5}


OTHERS: dict[str, dict[str, Any]] = {
    "another region's": item("choices", {"choices": ["cut"]}, id="s"),
    "the mask": item("brushlabels", {}),
    "a click of its id": item("keypointlabels", {"keypointlabels": ["cell"]}),
    "a relation": {"type": "relation", "from_id": "r", "to_id": "s"},
    "of no kind": item("choices", {}) | {"type": ["choices"]},
    "nothing filled in": item("choices", {}),
    "no value": item("choices", {}) | {"value": "cut"},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_other_things_do_not_come(other: dict[str, Any]):
    assert list(filled_in([other], "r")) == []


@pytest.mark.parametrize("meta", [None, "note", ["x"]])
def test_a_strange_meta_does_no_harm(meta: Any):
    (told,) = filled_in([item("rating", {"rating": 3}, meta=meta)], "r")
    assert told["meta"] == {}

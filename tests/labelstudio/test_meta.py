"""The clicks that a region was made from: noted in its `meta`, and read back from whatever comes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from click99.labelstudio.click_group import PixelClick
from click99.labelstudio.meta import made_from, with_clicks

CLICKS = [PixelClick("YWEelej_sa", 224, 192, True), PixelClick("b", 0, 479, False)]


def test_noted_clicks_are_read_back_from_json():
    item = json.loads(json.dumps({"id": "r", "meta": with_clicks({}, CLICKS)}))
    assert made_from(item) == set(CLICKS)


def test_what_people_wrote_on_a_region_stays():
    meta = with_clicks({"text": ["blurred"], "clicks": [["old", 1, 2, True]]}, CLICKS)
    assert meta["text"] == ["blurred"]
    assert made_from({"meta": meta}) == set(CLICKS)


@pytest.mark.parametrize("meta", [None, {}, "note", {"text": "note"}, {"clicks": 3}, {"clicks": [["a", 1]]}])
def test_other_programs_regions_have_no_clicks(meta: Any):
    assert made_from({"id": "r", "meta": meta}) == frozenset()
    assert with_clicks(meta, CLICKS)["clicks"]


def test_a_region_without_meta_has_no_clicks():
    assert made_from({"id": "r"}) == frozenset()

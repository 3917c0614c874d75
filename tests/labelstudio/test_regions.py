"""What is on screen, read back from a task's drafts and annotations."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from click99.labelstudio import bitmask, brush, regions
from click99.labelstudio.controls import Target
from click99.labelstudio.payloads import Task, Work
from click99.labelstudio.regions import drawn_regions, made_from, with_clicks
from click99.segmentation.clicks import Click

TARGET = Target("brush", "image", "cell")
SIZE = (40, 60)


def square(top: int, left: int, side: int = 10) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[top : top + side, left : left + side] = 255
    return mask


def item(
    region: str = "r", mask: np.ndarray | None = None, label: str = "cell", **changes: Any
) -> dict[str, Any]:
    value = {
        "format": "rle",
        "rle": brush.encode(square(5, 5) if mask is None else mask),
        "brushlabels": [label],
    }
    return {
        "id": region,
        "type": "brushlabels",
        "from_name": "brush",
        "to_name": "image",
        "original_width": SIZE[1],
        "original_height": SIZE[0],
        "value": value | changes.pop("value", {}),
    } | changes


def click(click_id: str) -> dict[str, Any]:
    return {"id": click_id, "type": "keypointlabels", "value": {"x": 1, "y": 1, "keypointlabels": ["cell"]}}


def work(*items: Any) -> Work:
    return Work.model_validate({"id": 1, "result": list(items)})


def task(drafts: list[dict[str, Any]], annotations: list[dict[str, Any]] | None = None) -> Task:
    return Task.model_validate({"id": 1, "data": {}, "drafts": drafts, "annotations": annotations or []})


def whole(region: Any) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    height, width = region.pixels.shape
    mask[region.top : region.top + height, region.left : region.left + width] = region.pixels
    return mask


def test_a_region_is_read_with_its_place_and_its_clicks():
    clicks = [Click(25, 9, True, "a"), Click(3, 4, False, "b")]
    saved = item(mask=square(7, 20), meta=with_clicks({}, clicks))
    (region,) = drawn_regions(work(click("a"), saved, click("c")), [TARGET], *SIZE)
    assert np.array_equal(whole(region), square(7, 20) > 0)
    assert (region.id, region.clicks, region.by_hand) == ("r", tuple(clicks), None)


@pytest.mark.parametrize(
    "other",
    [
        item(label="nucleus"),
        item(from_name="other brush"),
        item(to_name="second image"),
        item(item_index=1),
        item(type="keypointlabels", value={"keypointlabels": ["cell"]}),
        click("a"),
    ],
    ids=["label", "control", "image", "picture of the list", "the twin of keep-label-selected", "a click"],
)
def test_other_things_are_not_it(other: dict[str, Any]):
    assert drawn_regions(work(other), [TARGET], *SIZE) == []


@pytest.mark.parametrize(
    "broken",
    [
        item(value={"rle": [7] * 50}),
        item(value={"rle": "?"}),
        item(value={"rle": brush.encode(np.zeros((9, 9), np.uint8))}),
        item(original_width=61),
        item(value={"touches": [{"type": "add"}]}),
        item(value={"maskDataURL": "data:image/png;base64,AAAA"}),
    ],
    ids=["no mask", "no list", "another size", "another image", "a stroke of nothing", "no PNG"],
)
def test_what_cannot_be_read_is_left_out_and_named(broken: dict[str, Any], caplog: pytest.LogCaptureFixture):
    (region,) = drawn_regions(work(broken, item("good")), [TARGET], *SIZE)
    assert region.id == "good"
    assert "annotation 1 is not read" in caplog.text


@pytest.mark.parametrize("name", [None, "", {}, True])
def test_a_region_without_an_id_has_none_before_a_draft(name: Any, caplog: pytest.LogCaptureFixture):
    (region,) = drawn_regions(work(item(id=name), item("good")), [TARGET], *SIZE)
    assert region.id == "good"
    assert "A region of annotation 1 has no id" in caplog.text
    assert "Import results with ids" in caplog.text


@pytest.mark.parametrize(
    "fixed", [{"readonly": True}, {"locked": True}, {"readonly": 1}, {"locked": "true"}, {"readonly": 1.0}]
)
def test_regions_that_nobody_may_change_are_known(fixed: dict[str, Any]):
    found = drawn_regions(work(item("a", **fixed), item("b", readonly=False, locked=False)), [TARGET], *SIZE)
    assert [region.fixed for region in found] == [True, False]


def test_a_magic_wands_mask_is_read_before_it_is_submitted():
    mask = square(7, 20) > 0
    drawn = item(value={"maskDataURL": bitmask.encode(mask), "touches": [eraser(0, 25, 100, 25)]})
    del drawn["value"]["rle"]
    (region,) = drawn_regions(work(drawn), [TARGET], *SIZE)
    assert region.by_hand is not None
    assert np.array_equal(whole(region), mask & ~region.by_hand)


def test_soft_edges_are_cut_in_the_middle():
    mask = square(5, 5)
    mask[5, 5], mask[5, 6] = 127, 128
    (region,) = drawn_regions(work(item(mask=mask)), [TARGET], *SIZE)
    assert (whole(region)[5, 5], whole(region)[5, 6]) == (False, True)


def eraser(*points: float) -> dict[str, Any]:
    return {"type": "eraser", "relativePoints": points, "relativeStrokeWidth": 5}


def test_strokes_are_part_of_the_mask_and_marked():
    (region,) = drawn_regions(work(item(value={"touches": [eraser(0, 25, 100, 25)]})), [TARGET], *SIZE)
    assert region.by_hand is not None
    assert not whole(region)[region.by_hand].any()
    assert np.array_equal(whole(region), (square(5, 5) > 0) & ~region.by_hand)


def test_strokes_are_drawn_once(monkeypatch: pytest.MonkeyPatch):
    """They come with every click until Label Studio has made run lengths of them."""
    regions.decoded.clear()
    drawn: list[None] = []

    def draw(*args: Any) -> np.ndarray:
        drawn.append(None)
        return real(*args)

    real = regions.draw
    monkeypatch.setattr(regions, "draw", draw)
    for _ in range(3):
        drawn_regions(work(item(value={"touches": [eraser(0, 25, 100, 25)]})), [TARGET], *SIZE)
    assert len(drawn) == 1


def test_a_mask_drawn_wholly_by_hand_has_no_rle_yet():
    painted = item(value={"rle": None, "touches": [eraser(50, 50, 60, 50) | {"type": "add"}]})
    del painted["value"]["rle"]
    (region,) = drawn_regions(work(painted), [TARGET], *SIZE)
    assert whole(region).any()
    assert region.by_hand is not None
    assert np.array_equal(whole(region), region.by_hand)


def at(second: int, *items: Any, **changes: Any) -> dict[str, Any]:
    return {"id": second, "updated_at": f"2026-01-01T00:00:{second:02}Z", "result": list(items)} | changes


def test_the_draft_that_knows_a_click_is_open_else_the_newest():
    drafts = [at(1, click("a")), at(3), at(2, click("b"))]
    opened = [task(drafts).open_work({click_id}).id for click_id in ("a", "b", "c")]
    assert opened == ["1", "2", "3"]


def test_a_draft_comes_before_an_annotation_and_the_newest_of_those_counts():
    annotations = [at(5), at(9, was_cancelled=True), at(7)]
    assert task([at(1)], annotations).open_work(set()).name == "draft 1"
    assert task([], annotations).open_work(set()).name == "annotation 7"
    assert task([]).open_work(set()).items == []


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.500000Z"),
        ("2026-01-01T03:00:00+02:00", "2026-01-01T02:00:00Z"),
        ("2026-01-01T02:00:00", "2026-01-01T02:00:01Z"),
        ("0001-01-01T00:00:00+02:00", "0001-01-01T00:00:00"),
        ("", "2026-01-01T00:00:00Z"),
        ("some day", "2026-01-01T00:00:00Z"),
        (None, "later"),
    ],
)
def test_the_newest_is_so_by_its_time(older: str | None, newer: str):
    works = [at(1, updated_at=newer), at(2, updated_at=older)]
    for given in (works, works[::-1]):
        assert task(given).open_work(set()).id == "1"
        assert task([], given).open_work(set()).id == "1"


def test_skipped_annotations_count_where_nothing_was_submitted():
    assert task([], [at(9, was_cancelled=True), at(7)]).open_work(set()).id == "7"
    assert task([], [at(9, was_cancelled=True), at(8, was_cancelled=True)]).open_work(set()).id == "9"


def test_the_newest_prediction_counts_where_nobody_has_begun():
    predictions = [{"id": 5, "result": [{"id": "a"}]}, {"id": 6, "result": [{"id": "b"}]}]
    untouched = Task.model_validate({"id": 3, "data": {}, "predictions": predictions})
    opened = untouched.open_work(set())
    assert (opened.name, opened.items) == ("prediction 6", [{"id": "b"}])
    begun = Task.model_validate({"id": 3, "data": {}, "predictions": predictions, "drafts": [at(1)]})
    assert begun.open_work(set()).name == "draft 1"


@pytest.mark.parametrize(("version", "shown"), [("new", "7"), ("old", "5"), ("gone", "7"), ("", "7")])
def test_of_several_predictions_that_of_the_project_s_version_counts(version: str, shown: str):
    predictions = [
        {"id": 5, "model_version": "old"},
        {"id": 6, "model_version": "new"},
        {"id": 7, "model_version": "new"},
    ]
    untouched = Task.model_validate({"id": 3, "data": {}, "predictions": predictions})
    assert untouched.open_work(set(), version).id == shown


NOTED = [Click(224, 192, True, "YWEelej_sa"), Click(0, 479, False, "b")]


def test_noted_clicks_are_read_back_from_json():
    item = json.loads(json.dumps({"id": "r", "meta": with_clicks({}, NOTED)}))
    assert made_from(item) == tuple(NOTED)


def test_what_people_wrote_on_a_region_stays():
    meta = with_clicks({"text": ["blurred"], "clicks": [["old", 1, 2, True]]}, NOTED)
    assert meta["text"] == ["blurred"]
    assert made_from({"meta": meta}) == tuple(NOTED)


@pytest.mark.parametrize("meta", [None, {}, "note", {"text": "note"}, {"clicks": 3}, {"clicks": [["a", 1]]}])
def test_other_programs_regions_have_no_clicks(meta: Any):
    assert made_from({"id": "r", "meta": meta}) == ()
    assert with_clicks(meta, NOTED)["clicks"]


def test_a_region_without_meta_has_no_clicks():
    assert made_from({"id": "r"}) == ()

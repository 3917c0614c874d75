"""A smart box is the first prompt; clicks refine what it gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.disc_painter import DiscPainter
from tests.server.boxes import WITH_BOXES, answer, box
from tests.server.requests import Start, body, click, draft, keypoint, mask_of


def test_a_box_is_answered_with_a_mask_inside_it(server: TestClient):
    region = answer(server, box(20, 10, 50, 40))
    rows, columns = np.nonzero(mask_of(region))
    assert 10 <= rows.min() < rows.max() < 40
    assert 20 <= columns.min() < columns.max() < 50
    assert region["value"]["brushlabels"] == ["cell"]


def test_clicks_refine_what_was_accepted(server: TestClient):
    accepted = answer(server, box(20, 10, 50, 40))
    assert mask_of(accepted)[25, 28]
    refined = answer(server, keypoint("a", 28, 25, positive=False), **draft(accepted))
    assert refined["id"] == accepted["id"]
    assert not mask_of(refined)[25, 28]
    assert mask_of(refined)[24, 40]


@pytest.mark.parametrize("saved", [False, True], ids=["not saved yet", "saved as pending"])
def test_clicks_refine_the_mask_of_a_box_that_is_still_pending(server: TestClient, saved: bool):
    """Clicks come without the box: Label Studio sends the pending regions of one control only."""
    assert server.post("/predict", json=body(None)).status_code == 200
    drawn = box(20, 10, 50, 40)
    shown = answer(server, drawn)
    drafts = draft(drawn) if saved else {}
    refined = answer(server, keypoint("a", 28, 25, positive=False), **drafts)
    assert refined["id"] == shown["id"]
    assert not mask_of(refined)[25, 28]
    assert mask_of(refined)[24, 40]


def test_clicks_that_come_with_their_box_refine_its_mask(server: TestClient):
    """As other programs send them."""
    drawn, negative = box(20, 10, 50, 40), keypoint("a", 28, 25, positive=False)
    alone = mask_of(answer(server, drawn))
    (refined,) = click(server, WITH_BOXES, drawn, negative)
    assert not mask_of(refined)[25, 28]
    assert mask_of(refined)[24, 40]
    assert not (mask_of(refined) & ~alone).any()
    (again,) = click(server, WITH_BOXES, drawn, negative, keypoint("b", 27, 25, positive=False))
    assert again["id"] == refined["id"]
    assert not mask_of(again)[25, [27, 28]].any()


@pytest.mark.parametrize("accepted", [False, True])
def test_clicks_far_from_what_their_box_gave_are_about_it(server: TestClient, accepted: bool):
    drawn, far = box(4, 4, 24, 24), keypoint("a", 60, 44)
    region = answer(server, drawn)
    (once,) = click(server, WITH_BOXES, drawn, far, **(draft(region) if accepted else {}))
    (twice,) = click(server, WITH_BOXES, drawn, far, keypoint("b", 2, 44), **draft(once))
    assert region["id"] == once["id"] == twice["id"]
    assert twice["meta"]["begun"] == "box 4 4 24 24"
    assert [name for name, *_ in twice["meta"]["clicks"]] == ["box", "a", "b"]


@pytest.mark.parametrize("place", [(50, 30), (62, 46)], ids=["in the box", "in nothing"])
def test_a_negative_click_with_its_box_is_about_no_other_region(server: TestClient, place: tuple[int, int]):
    other = answer(server, keypoint("other", 10, 10))
    drawn, negative = box(36, 20, 60, 44), keypoint("a", *place, positive=False)
    alone = answer(server, drawn, **draft(other))
    (region,) = click(server, WITH_BOXES, drawn, negative, **draft(other))
    assert region["id"] == alone["id"]
    assert not mask_of(region)[place[1], place[0]]
    assert not (mask_of(region) & ~mask_of(alone)).any()


def test_a_click_outside_its_box_in_a_region_is_about_that(server: TestClient):
    other = answer(server, keypoint("other", 10, 10))
    (region,) = click(server, WITH_BOXES, box(36, 20, 60, 44), keypoint("a", 10, 12), **draft(other))
    assert region["id"] == other["id"]


def test_a_box_has_one_region_when_all_is_forgotten(start: Start, tmp_path: Path):
    drawn = box(36, 20, 60, 44)
    alone = answer(start(), drawn)
    for notes in tmp_path.glob("notes.sqlite*"):
        notes.unlink()
    (region,) = click(start(), WITH_BOXES, drawn, keypoint("a", 50, 30))
    assert region["id"] == alone["id"]


def test_clicks_after_their_box_was_moved_start_from_the_mask(server: TestClient):
    region = answer(server, box(4, 4, 24, 24))
    near = keypoint("a", 22, 14)
    (moved,) = click(server, WITH_BOXES, box(20, 4, 40, 24), near, **draft(region))
    assert moved["id"] == region["id"]
    assert moved["meta"]["clicks"] == [["a", 22, 14, True]]


def test_a_box_at_a_click_s_place_is_that_click(server: TestClient):
    """Sent twice, in either order."""
    clicked, drawn = keypoint("a", 20, 20), box(20, 20, 40, 40)
    drawn["value"] |= {axis: clicked["value"][axis] for axis in ("x", "y")}
    alone = click(server, WITH_BOXES, clicked)
    for both in ([drawn, clicked], [clicked, drawn]):
        assert click(server, WITH_BOXES, *both) == alone


@pytest.mark.parametrize("other", [{"item_index": 1}, {"value": {"rectanglelabels": ["nucleus"]}}])
def test_a_box_of_something_else_is_not_theirs(server: TestClient, other: dict[str, Any]):
    drawn, clicked = box(20, 10, 50, 40), keypoint("a", 40, 25)
    drawn |= other | {"value": drawn["value"] | other.get("value", {})}
    assert click(server, WITH_BOXES, drawn, clicked) == click(server, WITH_BOXES, clicked)


def test_a_box_beside_a_region_is_a_new_object(server: TestClient):
    accepted = answer(server, box(2, 2, 30, 30))
    second = answer(server, box(20, 10, 50, 40, "another"), **draft(accepted))
    assert second["id"] != accepted["id"]
    alone = mask_of(answer(server, box(20, 10, 50, 40, "third")))
    assert np.array_equal(mask_of(second), alone & ~mask_of(accepted))


def test_a_dragged_box_changes_the_same_region(server: TestClient):
    here, there = answer(server, box(20, 10, 50, 40)), answer(server, box(0, 10, 30, 40))
    assert here["id"] == there["id"]
    assert not np.array_equal(mask_of(here), mask_of(there))


def test_the_same_box_after_a_restart_runs_nothing_else(start: Start, painter: DiscPainter):
    one = answer(start(), box(20, 10, 50, 40))
    steps = len(painter.steps)
    server = start()
    assert answer(server, box(20, 10, 50, 40)) == one
    assert answer(server, box(20, 10, 50, 40)) == one
    assert len(painter.steps) == 2 * steps


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (box(70, 10, 90, 40), "a box of no pixels of the image"),
        (box(20, 10, 50, 40, label="root"), "RectangleLabels 'box' has no label 'root', only 'cell'"),
    ],
)
def test_a_wrong_box_is_refused_with_the_reason(server: TestClient, item: dict[str, Any], message: str):
    reply = server.post("/predict", json=body([item], label_config=WITH_BOXES))
    assert reply.status_code in (400, 422)
    assert message in reply.json()["detail"]

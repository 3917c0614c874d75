"""What the label config has is what a click gets, and what is refined when it was accepted or drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from click99.labelstudio import bitmask, brush, polygon
from tests.disc_painter import DiscPainter
from tests.server.kinds import KINDS, READ, config
from tests.server.requests import HEIGHT, WIDTH, Start, click, draft, keypoint


@pytest.fixture
def exact(start: Start) -> TestClient:
    return start(polygon_tolerance=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_of_the_configs_kind(exact: TestClient, kind: str):
    (region,) = click(exact, config(kind), keypoint("a", 20, 20), keypoint("b", 25, 22, positive=False))
    (as_brush,) = click(exact, config("brush"), keypoint("a", 20, 20), keypoint("b", 25, 22, positive=False))
    assert (region["type"], region["from_name"]) == (f"{kind}labels", kind)
    assert region["value"][f"{kind}labels"] == ["cell"]
    assert (region["original_width"], region["original_height"]) == (WIDTH, HEIGHT)
    assert np.array_equal(READ[kind](region["value"]), READ["brush"](as_brush["value"]))


@pytest.mark.parametrize(
    ("kinds", "answers"),
    [
        (["polygon", "brush"], "brush"),
        (["brush", "bitmask"], "bitmask"),
        (["polygon", "brush", "bitmask"], "bitmask"),
    ],
)
def test_masks_come_before_outlines_and_bitmasks_before_brushes(
    server: TestClient, kinds: list[str], answers: str
):
    (region,) = click(server, config(*kinds), keypoint("a", 20, 20))
    assert region["from_name"] == answers


@pytest.mark.parametrize("kind", KINDS)
def test_an_accepted_region_is_refined(exact: TestClient, kind: str):
    (accepted,) = click(exact, config(kind), keypoint("a", 20, 20))
    (refined,) = click(exact, config(kind), keypoint("b", 29, 20, positive=False), **draft(accepted))
    assert refined["id"] == accepted["id"]
    before, after = (READ[kind](region["value"]) for region in (accepted, refined))
    assert before[20, 29]
    assert not after[20, 29]
    assert before[20, 12]
    assert after[20, 12]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_drawn_by_hand_is_refined(exact: TestClient, kind: str):
    square = np.zeros((HEIGHT, WIDTH), bool)
    square[10:30, 10:40] = True
    value = {
        "brush": {"format": "rle", "rle": brush.encode(square.view(np.uint8) * np.uint8(255))},
        "bitmask": {"imageDataURL": bitmask.encode(square)},
        "polygon": {"points": polygon.outline(square, 0), "closed": True},
    }[kind]
    drawn: dict[str, Any] = {"id": "hand", "type": f"{kind}labels", "from_name": kind, "to_name": "image"}
    drawn |= {
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "value": value | {f"{kind}labels": ["cell"]},
    }
    (refined,) = click(exact, config(kind), keypoint("a", 14, 14, positive=False), **draft(drawn))
    mask = READ[kind](refined["value"])
    assert refined["id"] == "hand"
    assert not mask[14, 14]
    assert mask[28, 38]


def test_a_polygon_is_as_simple_as_the_setting_says(start: Start):
    clicks = [keypoint("a", 20, 20)]
    points = [
        len(click(start(polygon_tolerance=tolerance), config("polygon"), *clicks)[0]["value"]["points"])
        for tolerance in (0, 10, 40)
    ]
    assert points == sorted(points, reverse=True)
    assert points[0] > 2 * points[1] > 2 * points[2] >= 6


def test_an_outline_of_nothing_is_no_region(server: TestClient):
    assert click(server, config("polygon"), keypoint("a", 20, 20, positive=False)) == []


@pytest.mark.parametrize("kind", ["bitmask", "polygon"])
def test_a_broken_region_beside_the_click_is_passed_over(
    server: TestClient, kind: str, caplog: pytest.LogCaptureFixture
):
    broken: dict[str, Any] = {"id": "old", "type": f"{kind}labels", "from_name": kind, "to_name": "image"}
    value = {"imageDataURL": "data:image/png;base64,AAAA", "points": [[1]], f"{kind}labels": ["cell"]}
    broken |= {"original_width": WIDTH, "original_height": HEIGHT, "value": value}
    (region,) = click(server, config(kind), keypoint("a", 20, 20), **draft(broken))
    assert region["id"] != "old"
    assert "Region 'old' of draft 1 is not read" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_prediction_on_the_canvas_is_refined_under_its_id(exact: TestClient, kind: str):
    (region,) = click(exact, config(kind), keypoint("a", 20, 20))
    del region["meta"]
    predictions = [{"id": 5, "model_version": "of another", "result": [region | {"id": "predicted"}]}]
    for later in (keypoint("b", 21, 20), keypoint("c", 25, 22, positive=False)):
        (refined,) = click(exact, config(kind), later, predictions=predictions)
        assert refined["id"] == "predicted"
    assert READ[kind](refined["value"]).any(), "it starts from what was predicted"


@pytest.mark.parametrize("kind", KINDS)
def test_a_regions_parent_and_relations_stay(exact: TestClient, kind: str, caplog: pytest.LogCaptureFixture):
    (region,) = click(exact, config(kind), keypoint("a", 20, 20))
    assert "parentID" not in region, "Label Studio takes no null"
    child, relation = region | {"parentID": "b"}, {"type": "relation", "from_id": "b", "to_id": region["id"]}
    (refined,) = click(exact, config(kind), keypoint("b", 21, 20), **draft(child))
    assert (refined["id"], refined["parentID"]) == (region["id"], "b")
    assert "relation" not in caplog.text
    (refined,) = click(exact, config(kind), keypoint("c", 21, 20), **draft(child, relation))
    assert refined["id"] == region["id"]
    assert "has a relation, so without Auto-Accept Label Studio's page goes blank" in caplog.text


def test_an_outline_of_nothing_was_not_accepted(server: TestClient, painter: DiscPainter):
    """No region came that could have been: the one before is on screen."""
    (kept,) = click(server, config("polygon"), keypoint("a", 20, 20))
    painter.forgets_everything = True
    assert click(server, config("polygon"), keypoint("b", 60, 40, positive=False), **draft(kept)) == []
    painter.forgets_everything = False
    (refined,) = click(server, config("polygon"), keypoint("c", 20, 25), **draft(kept))
    assert refined["id"] == kept["id"]

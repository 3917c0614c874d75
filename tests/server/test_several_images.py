"""An Image tag with a valueList: several pictures in one task, each with objects of its own."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.unaccepted import unaccepted_prompts
from tests.server.requests import CONFIG, HEIGHT, WIDTH, body, data_uri, encoded, keypoint, mask_of

LIST = CONFIG.replace('value="$image"', 'valueList="$image"')
WIDE = WIDTH + 10
PICTURES = [data_uri(encoded(WIDTH, HEIGHT)), data_uri(encoded(WIDE, HEIGHT))]


def click(name: str, x: int, y: int, picture: int, **changes: Any) -> dict[str, Any]:
    return keypoint(name, x, y, size=((WIDTH, WIDE)[picture], HEIGHT), item_index=picture, **changes)


def answer(server: TestClient, *clicks: dict[str, Any], saved: list[dict[str, Any]] | None = None) -> Any:
    request = body(clicks, PICTURES, label_config=LIST)
    request["tasks"][0]["drafts"] = [{"id": 1, "updated_at": "2026", "result": saved}] if saved else []
    reply = server.post("/predict", json=request)
    assert reply.status_code == 200, reply.text
    (region,) = reply.json()["results"][0]["result"]
    return region


def test_the_last_clicks_picture_is_answered_with_its_own_clicks(server: TestClient):
    """Label Studio sends the pending clicks on all pictures together."""
    region = answer(server, click("a", 20, 20, 0), click("b", WIDE - 1, 20, 1))
    assert (region["item_index"], region["original_width"]) == (1, WIDE)
    assert mask_of(region)[20, WIDE - 1]
    assert not mask_of(region)[20, 20]


def test_a_region_is_refined_on_its_own_picture_only(server: TestClient):
    first = answer(server, click("a", 20, 20, 0))
    other = answer(server, click("b", 20, 20, 1), saved=[first])
    again = answer(server, click("c", 26, 22, 0, positive=False), saved=[first, other])
    assert other["id"] != first["id"]
    assert (again["id"], again["item_index"]) == (first["id"], 0)
    assert not mask_of(again)[22, 26]


def test_a_lost_mask_is_looked_for_on_its_own_picture(server: TestClient):
    items = [click("a", 20, 20, 0), click("b", 20, 20, 1)]
    kept = answer(server, items[0])
    (lost,) = unaccepted_prompts([*items, kept], LabelConfig.parse(LIST), 3)
    assert [item.id for item in lost] == ["b"]

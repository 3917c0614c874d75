"""What Label Studio's own SAM example is tested with: tasks without ids, a box with nothing but its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.server.requests import IMAGE, mask_of

CONFIG = """<View>
  <Image name="image" value="$image" zoom="true"/>
  <BrushLabels name="tag" toName="image"><Label value="Banana"/><Label value="Orange"/></BrushLabels>
  <KeyPointLabels name="tag2" toName="image" smart="true">
    <Label value="Banana" showInline="true"/><Label value="Orange" showInline="true"/>
  </KeyPointLabels>
  <RectangleLabels name="tag3" toName="image">
    <Label value="Banana" showInline="true"/><Label value="Orange" showInline="true"/>
  </RectangleLabels>
</View>"""
CLICK = {
    "original_width": 64,
    "original_height": 48,
    "image_rotation": 0,
    "value": {"x": 49.4, "y": 59.9, "width": 0.3, "labels": ["Banana"], "keypointlabels": ["Banana"]},
    "is_positive": True,
    "id": "fBWv1t0S2L",
    "from_name": "tag2",
    "to_name": "image",
    "type": "keypointlabels",
    "origin": "manual",
}
BOX = {
    "original_width": 64,
    "original_height": 48,
    "type": "rectanglelabels",
    "value": {"x": 50, "y": 50, "width": 30, "height": 30, "rectanglelabels": ["Orange"]},
}


def ask(server: TestClient, context: dict[str, Any] | None) -> Any:
    request = {"tasks": [{"data": {"image": IMAGE}}], "label_config": CONFIG, "params": {"context": context}}
    reply = server.post("/predict", json=request)
    assert reply.status_code == 200, reply.text
    (answer,) = reply.json()["results"]
    return answer


def test_without_a_context_there_is_no_prediction(server: TestClient):
    assert ask(server, None) == []


@pytest.mark.parametrize(("item", "label", "within"), [(CLICK, "Banana", (0, 64)), (BOX, "Orange", (32, 52))])
def test_a_click_and_a_box(server: TestClient, item: dict[str, Any], label: str, within: tuple[int, int]):
    (region,) = ask(server, {"result": [item]})["result"]
    assert (region["from_name"], region["to_name"], region["type"]) == ("tag", "image", "brushlabels")
    assert (region["value"]["format"], region["value"]["brushlabels"]) == ("rle", [label])
    columns = np.flatnonzero(mask_of(region).any(axis=0))
    assert within[0] <= columns[0] <= 32 <= columns[-1] < within[1]

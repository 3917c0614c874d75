"""Boxes as Label Studio sends them, and what they are answered with."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from click99.labelstudio import brush
from tests.server.requests import CONFIG, HEIGHT, WIDTH, body

BOXES = '<RectangleLabels name="box" toName="image" smart="true"><Label value="cell"/></RectangleLabels>'
WITH_BOXES = CONFIG.replace("</View>", f"{BOXES}</View>")


def box(
    left: int, top: int, right: int, bottom: int, box_id: str = "box", label: str = "cell"
) -> dict[str, Any]:
    """A box of these pixels, as in the context."""
    across, down = 100 / WIDTH, 100 / HEIGHT
    value = {"x": left * across, "y": top * down, "width": (right - left) * across}
    value |= {"height": (bottom - top) * down, "rotation": 0, "rectanglelabels": [label]}
    item = {"id": box_id, "type": "rectanglelabels", "from_name": "box", "to_name": "image", "value": value}
    return item | {"original_width": WIDTH, "original_height": HEIGHT}


def answer(
    server: TestClient, item: dict[str, Any], label_config: str = WITH_BOXES, **task: Any
) -> dict[str, Any]:
    request = body([item], label_config=label_config)
    request["tasks"][0] |= task
    reply = server.post("/predict", json=request)
    assert reply.status_code == 200, reply.text
    (region,) = reply.json()["results"][0]["result"]
    return region


def mask(region: dict[str, Any]) -> np.ndarray:
    return brush.decode(region["value"]["rle"], HEIGHT, WIDTH) > 127


def draft(*items: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": 1, "user": "ann", "updated_at": "2026-01-01T00:00:00Z", "result": list(items)}]

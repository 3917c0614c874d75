"""Boxes as Label Studio sends them, and what they are answered with."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

from tests.server.requests import CONFIG, HEIGHT, WIDTH, click

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
    (region,) = click(server, label_config, item, **task)
    return region

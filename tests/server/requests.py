"""Requests as Label Studio sends them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

from click99.labelstudio import brush

WIDTH, HEIGHT = 64, 48
CONFIG = """<View>
  <Image name="image" value="$image"/>
  <KeyPointLabels name="kp" toName="image" smart="true" smartOnly="true">
    <Label value="cell"/><Label value="nucleus"/><Label value="background"/>
  </KeyPointLabels>
  <BrushLabels name="brush" toName="image"><Label value="cell"/><Label value="nucleus"/></BrushLabels>
</View>"""


def encoded(width: int = WIDTH, height: int = HEIGHT, format: str = "PNG", **options: Any) -> bytes:
    """An image file of noise."""
    noise = np.random.default_rng(width * height).integers(0, 255, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, format, **options)
    return file.getvalue()


def data_uri(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


IMAGE = data_uri(encoded())
DOTS = """<KeyPoint name="kp" toName="image" smart="true" smartOnly="true"/>
  <Rectangle name="box" toName="image" smart="true" smartOnly="true"/>"""
WITHOUT_LABELS = f"<View><Image name='image' value='$image'/>{DOTS}{CONFIG[CONFIG.index('<BrushLabels') :]}"


def keypoint(
    click_id: str,
    x: float,
    y: float,
    *,
    positive: bool | None = True,
    label: str = "cell",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    **changes: Any,
) -> dict[str, Any]:
    """A click at pixel (x, y) of an image of that size, as in the context. positive=None: no such flag."""
    width, height = size
    item: dict[str, Any] = {
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {
            "x": 100 * (x + 0.5) / width,
            "y": 100 * (y + 0.5) / height,
            "width": 0.2,
            "labels": [label],
            "keypointlabels": [label],
        },
        "is_positive": positive,
        "id": click_id,
        "from_name": "kp",
        "to_name": "image",
        "type": "keypointlabels",
        "origin": "manual",
    }
    if positive is None:
        del item["is_positive"]
    return item | changes


def as_click(region: dict[str, Any]) -> dict[str, Any]:
    """A region as Label Studio saves it a second time, where a label of clicks was chosen at its ✓."""
    labels = region["value"].get(region["type"])
    value = {key: told for key, told in region["value"].items() if key != region["type"]}
    return region | {"type": "keypointlabels", "from_name": "kp", "value": value | {"keypointlabels": labels}}


def dot(click_id: str, x: float, y: float, **changes: Any) -> dict[str, Any]:
    """A click of a KeyPoint control, which has no labels."""
    item = keypoint(click_id, x, y, **changes)
    return item | {"type": "keypoint", "value": {key: item["value"][key] for key in ("x", "y", "width")}}


def body(clicks: Sequence[dict[str, Any]] | None, image: Any = IMAGE, **changes: Any) -> dict[str, Any]:
    """A /predict request; clicks None: the opening of the task."""
    context = None if clicks is None else {"result": list(clicks)}
    task = {
        "id": 3,
        "data": {"image": image},
        "annotations": [],
        "drafts": [],
        "predictions": [],
        "project": 1,
    }
    request = {
        "tasks": [task],
        "project": "1.1795475271",
        "label_config": CONFIG,
        "params": {"login": None, "password": None, "context": context},
    }
    return request | changes


def counted(server: TestClient, name: str) -> float:
    """A figure of /metrics."""
    lines = server.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def click(
    server: TestClient, label_config: str, *clicks: dict[str, Any], **task: Any
) -> list[dict[str, Any]]:
    """The regions of the answer."""
    request = body(clicks, label_config=label_config)
    request["tasks"][0] |= task
    reply = server.post("/predict", json=request)
    assert reply.status_code == 200, reply.text
    return reply.json()["results"][0]["result"]


def mask_of(region: dict[str, Any]) -> np.ndarray:
    """A brush region's, bool [H, W]."""
    height, width = region["original_height"], region["original_width"]
    return brush.decode(region["value"]["rle"], height, width) > 127


def draft(*items: dict[str, Any]) -> dict[str, Any]:
    return {"drafts": [{"id": 1, "user": "ann", "updated_at": "2026-01-01T00:00:00Z", "result": list(items)}]}


Start = Callable[..., TestClient]

"""Whatever is wrong with a request: 4xx, a message naming field and remedy, one log line, nothing left."""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from click99.server.own_checks import check_refusals
from click99.server.settings import Settings
from tests.server.requests import CONFIG, HEIGHT, body, data_uri, encoded, keypoint

GOOD = body([keypoint("a", 20, 20)])


def png_header(width: int, height: int) -> bytes:
    """A PNG file up to its size, without pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


Case = tuple[Any, int, str]
CASES: dict[str, Case] = {
    "unknown label": (body([keypoint("a", 20, 20, label="mitochondrion")]), 422, "mitochondrion"),
    "label without a brush": (body([keypoint("a", 20, 20, label="background")]), 422, "background"),
    "unknown control": (body([keypoint("a", 20, 20, from_name="other")]), 422, "other"),
    "no brush control": (
        body([keypoint("a", 20, 20)], label_config=CONFIG.replace("BrushLabels", "RectangleLabels")),
        422,
        "BrushLabels",
    ),
    "config is not XML": (body([keypoint("a", 20, 20)], label_config="<View>"), 422, "label_config"),
    "no keypoint": (body([keypoint("a", 20, 20, type="ellipselabels")]), 400, "params.context.result"),
    "click nowhere": (
        body([keypoint("a", 20, 20) | {"value": {"keypointlabels": ["cell"]}}]),
        400,
        "params.context.result[0].value: no x and y",
    ),
    "box nowhere": (
        body([keypoint("a", 20, 20, type="rectanglelabels") | {"value": {"width": 9, "height": 9}}]),
        400,
        "params.context.result[0].value: no x and y",
    ),
    "unknown event": (
        body(None, params={"context": {"event": "track"}}),
        400,
        "params.context.event: 'track' is not known. Send clicks, or one of prewarm",
    ),
    "click outside": (body([keypoint("a", 20, HEIGHT + 20)]), 400, "params.context.result[0].value.y"),
    "another size": (body([keypoint("a", 20, 20, original_width=640)]), 400, "original_width"),
    "no tasks": (body([keypoint("a", 20, 20)], tasks=[]), 400, "tasks"),
    "no image in the task": (
        body([keypoint("a", 20, 20)], tasks=[{"id": 3, "data": {}}]),
        400,
        "tasks[0].data.image",
    ),
    "no address": (body([keypoint("a", 20, 20)], ""), 400, "tasks[0].data.image: empty"),
    "host not allowed": (
        body([keypoint("a", 20, 20)], "http://example.org/a.png"),
        422,
        "CLICK99_ALLOWED_HOSTS",
    ),
    "Label Studio unknown": (body([keypoint("a", 20, 20)], "/data/upload/1/a.png"), 422, "LABEL_STUDIO_URL"),
    "truncated image": (
        body([keypoint("a", 20, 20)], data_uri(encoded()[:900])),
        422,
        "image: data:image/png",
    ),
    "not an image": (body([keypoint("a", 20, 20)], data_uri(b"hello")), 422, "image: data:image/png"),
    "image of 0 × 0": (
        body([keypoint("a", 20, 20)], data_uri(png_header(0, 0))),
        422,
        "image: data:image/png",
    ),
    "empty image": (body([keypoint("a", 20, 20)], data_uri(b"")), 422, "image: data:image/png"),
    "context of another type": (body(None, params={"context": 7}), 400, "params.context"),
    "not an object": ([1, 2], 400, "body"),
}


def refused(server: TestClient) -> float:
    """By the counter, of whatever kind."""
    lines = server.get("/metrics").text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("click99_errors_total{"))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_caller_learns_what_is_wrong(
    server: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture, case: Case
):
    """So does the administrator: by one log line, one counter, and the doctor."""
    request, status, fragment = case
    before = server.post("/predict", json=GOOD).content
    caplog.clear()
    response = server.post("/predict", json=request)
    assert response.status_code == status, response.text
    assert fragment in response.json()["detail"]
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in warnings] == [f"/predict: {response.json()['detail']}"]
    assert refused(server) == 1
    (told,) = check_refusals(Settings(home=tmp_path))
    assert told.detail.endswith(response.json()["detail"])
    assert server.post("/predict", json=GOOD).content == before


@pytest.mark.parametrize("path", ["/predict", "/setup", "/webhook"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"task=3"])
def test_a_body_that_is_not_json_is_told_so(server: TestClient, path: str, content: bytes):
    response = server.post(path, content=content)
    assert response.status_code == 400
    assert response.json()["detail"].startswith("body: ")


def test_parts_that_click99_does_not_read_may_be_anything(server: TestClient):
    strange: Callable[[Any], Any] = lambda part: {"unknown": [part] * 3, "rle": None}  # noqa: E731
    request = body([keypoint("a", 20, 20) | {"meta": strange(1)}], extra=strange(2))
    request["tasks"][0] |= {"annotations": "?", "drafts": strange(3), "predictions": None}
    assert server.post("/predict", json=request).status_code == 200

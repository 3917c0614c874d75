"""Nothing that a request holds can forge a message."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest

from click99.server.logs import OneLine
from tests.server.requests import CONFIG, IMAGE, Start, body, keypoint

FORGED = "x\n2026 ERROR forged\r\x1b[31m\x9b\u2028\u202e"


def lines(records: list[logging.LogRecord]) -> list[str]:
    formatter = OneLine("%(levelname)s %(name)s: %(message)s")
    return [line for record in records for line in formatter.format(record).split("\n")]


def saved(**names: str) -> dict[str, Any]:
    """A region that can't be read."""
    region = {"id": "r", "type": "brushlabels", "from_name": "brush", "to_name": "image"} | names
    return region | {"original_width": 1, "original_height": 1, "value": {"brushlabels": ["cell"], "rle": []}}


def opened(**changes: Any) -> dict[str, Any]:
    """An opening, or with clicks, of a changed task."""
    request = body(changes.pop("clicks", [keypoint("a", 20, 20)]), **changes.pop("whole", {}))
    request["tasks"][0] |= changes
    return request


REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "address": ("/predict", opened(data={"image": f"http://host/{FORGED}"})),
    "task": ("/predict", opened(id=FORGED, clicks=None, data={"image": "http://host/a.png"})),
    "draft": ("/predict", opened(drafts=[{"id": FORGED, "result": [saved()]}])),
    "region": ("/predict", opened(drafts=[{"id": 1, "result": [saved(id=FORGED)]}])),
    "label": ("/predict", opened(clicks=[keypoint("a", 20, 20, label=FORGED)])),
    "control": ("/predict", opened(clicks=[keypoint("a", 20, 20, from_name=FORGED)])),
    "hostname": ("/setup", {"hostname": f"http://{FORGED}", "access_token": "x"}),
    "action": ("/webhook", {"action": FORGED}),
    "annotation": (
        "/webhook",
        {
            "action": "ANNOTATION_CREATED",
            "annotation": {"id": 9, "task": FORGED, "result": [keypoint("a", 20, 20)]},
            "project": {"id": 1, "label_config": CONFIG},
        },
    ),
}


@pytest.mark.parametrize(("path", "sent"), REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_cannot_forge_a_line(
    start: Start, caplog: pytest.LogCaptureFixture, path: str, sent: dict[str, Any]
):
    caplog.set_level(logging.INFO)
    server = start()
    server.post("/predict", json=body([keypoint("a", 20, 20)], IMAGE))
    caplog.clear()
    server.post(path, json=sent)
    written = lines([record for record in caplog.records if record.name.startswith("click99")])
    assert any("forged" in line for line in written), "it is in the log, seen for what it is"
    assert all(line.isprintable() for line in written)
    assert not any(line.startswith("2026") for line in written)


def test_a_traceback_cannot_forge_a_line():
    try:
        raise ValueError(FORGED)
    except ValueError:
        record = logging.LogRecord("click99", logging.ERROR, "", 1, "a defect", None, sys.exc_info())
    first, *rest = lines([record])
    assert first == "ERROR click99: a defect"
    assert all(line.startswith("  ") and line.isprintable() for line in rest)

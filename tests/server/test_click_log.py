"""A line for each click, as text and as JSON."""

from __future__ import annotations

import json
import logging

import pytest

from click99.server.logs import formatter
from click99.server.request_id import WithRequestId
from tests.server.requests import Start, body, keypoint


def records(caplog: pytest.LogCaptureFixture, start: Start) -> list[logging.LogRecord]:
    caplog.handler.addFilter(WithRequestId())
    server = start()
    with caplog.at_level(logging.INFO, "click99.server.click_log"):
        for clicks in ([keypoint("a", 20, 20)], [keypoint("a", 20, 20), keypoint("b", 30, 30)]):
            server.post("/predict", json=body(clicks))
        server.post("/predict", json=body(None))  # a task is opened
    return [record for record in caplog.records if record.name == "click99.server.click_log"]


def test_a_click_has_a_line(caplog: pytest.LogCaptureFixture, start: Start):
    lines = [record.getMessage() for record in records(caplog, start)]
    assert len(lines) == 2
    for count, line in enumerate(lines, 1):
        told = dict(field.split("=") for field in line.removeprefix("click ").split())
        assert told["clicks"] == str(count)
        assert told["version"] == "discs-1"
        assert {"project", "task", "region", "score", "decode_ms", "queue_ms", "encode_ms"} <= told.keys()


def test_in_json_its_fields_are_fields(caplog: pytest.LogCaptureFixture, start: Start):
    (_, record) = records(caplog, start)
    told = json.loads(formatter("json").format(record))
    assert told["click"]["clicks"] == 2
    assert told["level"] == "INFO"
    assert told["request"] not in ("", "-")
    assert told["time"]


def test_json_messages_can_not_be_forged():
    record = logging.LogRecord("x", logging.ERROR, "", 0, "a\nb \x1b[31m", None, None)
    WithRequestId().filter(record)
    (line,) = formatter("json").format(record).splitlines()
    assert "\x1b" not in line
    assert json.loads(line)["message"] == "a\nb \x1b[31m"

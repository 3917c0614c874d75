"""Each answer has an id, and whatever is logged for it has the same."""

from __future__ import annotations

import logging

import pytest
from fastapi.testclient import TestClient

from click99.server.request_id import WithRequestId, request_id
from tests.server.requests import body, keypoint


def test_an_answer_has_an_id_of_its_own(server: TestClient):
    ids = [server.get(path).headers["x-request-id"] for path in ("/health", "/health", "/nowhere")]
    assert len({*ids}) == 3


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("proxy-1.a_B", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("a\x1b[31m", False),
        ("", False),
    ],
)
def test_a_proxy_s_id_is_kept_if_it_is_sane(server: TestClient, given: str, kept: bool):
    answered = server.get("/health", headers={b"X-Request-ID": given.encode()}).headers["x-request-id"]
    assert (answered == given) == kept


def test_what_is_logged_for_a_request_has_its_id(server: TestClient, caplog: pytest.LogCaptureFixture):
    caplog.handler.addFilter(WithRequestId())
    with caplog.at_level(logging.INFO, "click99"):
        reply = server.post("/predict", json=body([keypoint("a", 20, 20)]))
        server.post("/predict", content=b"{")
    clicked, refused = (record for record in caplog.records if record.name.startswith("click99"))
    assert vars(clicked)["request"] == reply.headers["x-request-id"]
    assert vars(refused)["request"] not in ("-", vars(clicked)["request"])
    assert request_id.get() == "-"

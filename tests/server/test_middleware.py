"""Who may call what, and what an error is answered with that nobody expected."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from click99.server.answering import Answering
from tests.server.requests import Start, body, keypoint


def basic(credentials: str, encoding: str = "utf-8") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(credentials.encode(encoding)).decode()}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        (basic("ann:pässword"), 200),  # as a browser sends it
        (basic("ann:pässword", "latin-1"), 200),  # as Label Studio does
        (basic("ann:pässword", "utf-16"), 401),
        (basic("ann:password"), 401),
        (basic("ann:wrong"), 401),
        (basic("bob:pässword"), 401),
        (basic("ann"), 401),
        ({"Authorization": "Basic ???"}, 401),
        ({"Authorization": basic("ann:pässword")["Authorization"].replace("Basic", "Bearer")}, 401),
    ],
)
@pytest.mark.parametrize("path", ["/", "/versions", "/metrics", "/docs", "/unknown"])
def test_basic_auth(start: Start, path: str, headers: dict[str, str], status: int):
    server = start(basic_auth_user="ann", basic_auth_password="pässword")
    expected = 404 if path == "/unknown" and status == 200 else status
    response = server.get(path, headers=headers)
    assert response.status_code == expected
    if status == 401:
        assert response.headers["WWW-Authenticate"].startswith("Basic")
        assert "CLICK99_BASIC_AUTH_USER" in response.json()["detail"]


def test_without_credentials_only_health_and_events_are_open(start: Start):
    server = start(basic_auth_user="ann", basic_auth_password="secret")
    assert server.get("/health").status_code == 200
    assert server.post("/webhook", json={"action": "ANNOTATION_CREATED"}).status_code == 200
    assert server.post("/predict", json=body(None)).status_code == 401
    assert server.post("/setup", json={}).status_code == 401
    assert server.post("/train").status_code == 401


def test_all_else_asks_for_them_whatever_the_method(start: Start):
    """Events have a secret of their own."""
    server = start(basic_auth_user="ann", basic_auth_password="secret")
    paths = {route.path.replace("{", "").replace("}", "") for route in server.app.routes}  # pyright: ignore
    assert {"/predict", "/train", "/metrics", "/docs", "/openapi.json", "/try/pictures"} <= paths
    for path in paths - {"/health", "/ready", "/webhook"}:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "ANY"):
            assert server.request(method, path).status_code == 401, f"{method} {path}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Click99-Secret": "s3crét".encode("latin-1")}, 200),
        ({"X-Click99-Secret": "s3crét".encode()}, 200),
        ({"X-Click99-Secret": "guess"}, 401),
        ({}, 401),
        (basic("ann:secret:"), 200),  # as the button that starts a training
        (basic("ann:secret"), 401),
    ],
)
def test_the_secret_of_events(start: Start, headers: dict[str, Any], status: int):
    server = start(basic_auth_user="ann", basic_auth_password="secret:", webhook_secret="s3crét")
    reply = server.post("/webhook", json={"action": "START_TRAINING"}, headers=headers)
    assert reply.status_code == status
    assert status == 200 or "CLICK99_WEBHOOK_SECRET" in reply.json()["detail"]
    assert server.get("/health").status_code == 200


def test_without_basic_auth_the_secret_alone_opens_the_webhook(start: Start):
    server = start(webhook_secret="s3cret")
    assert server.post("/webhook", json={"action": "X"}, headers=basic("")).status_code == 401
    assert server.post("/predict", json=body(None)).status_code == 200


def test_a_defect_is_a_500_with_an_id_and_one_traceback(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    server, request = start(), body([keypoint("a", 20, 20)])
    before = server.post("/predict", json=request).content

    def defect(*_: Any) -> None:
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(Answering, "answer", defect)
        response = server.post("/predict", json=request)
    assert response.status_code == 500
    (record,) = [record for record in caplog.records if record.exc_info]
    error_id = record.getMessage().split()[-1]
    assert error_id in response.json()["detail"]
    assert error_id == response.headers["x-request-id"]
    assert "a defect" not in response.text
    assert server.post("/predict", json=request).content == before

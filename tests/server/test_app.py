"""The other calls: health, versions, training, events, metrics, and who may make them."""

from __future__ import annotations

import base64

import pytest
from fastapi.testclient import TestClient

from tests.recorded import webhooks
from tests.server.requests import Start, body, keypoint

EVENTS = [
    "ANNOTATION_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
    "PROJECT_UPDATED",
    "TASKS_CREATED",
    "START_TRAINING",
    "SOMETHING_OF_NEXT_YEAR",
]


@pytest.mark.parametrize("path", ["/", "/health"])
def test_health(server: TestClient, path: str):
    assert server.get(path).json()["status"] == "UP"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_versions(server: TestClient, method: str):
    assert server.request(method, "/versions", json={"project": "1.1"}).json() == {"versions": ["discs-1"]}


def test_setup_tells_the_model_version(server: TestClient):
    sent = {"project": "1.1", "schema": "<View/>", "hostname": "", "access_token": "t", "extra_params": None}
    assert server.post("/setup", json=sent).json() == {"model_version": "discs-1"}


@pytest.mark.parametrize("action", EVENTS)
def test_every_event_is_taken(server: TestClient, action: str):
    response = server.post("/webhook", json={"action": action, "project": {"id": 1}, "more": [1]})
    assert response.status_code == 200
    assert ("job" in response.json()) == (action == "START_TRAINING")


@pytest.mark.parametrize("event", webhooks())
def test_whole_events_are_taken(server: TestClient, event: dict):
    assert server.post("/webhook", json=event).status_code == 200


def test_metrics_count_clicks_hits_and_errors(server: TestClient):
    for clicks in ([keypoint("a", 20, 20)], [keypoint("a", 20, 20), keypoint("b", 30, 30)], []):
        server.post("/predict", json=body(clicks))
    lines = server.get("/metrics").text.splitlines()
    assert "click99_clicks_total 2.0" in lines
    assert "click99_click_seconds_count 2.0" in lines
    assert "click99_cache_hits_total 1.0" in lines
    assert 'click99_errors_total{kind="PayloadError"} 1.0' in lines


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
def test_the_secret_of_events(start: Start, headers: dict[str, str | bytes], status: int):
    server = start(basic_auth_user="ann", basic_auth_password="secret:", webhook_secret="s3crét")
    reply = server.post("/webhook", json={"action": "START_TRAINING"}, headers=headers)
    assert reply.status_code == status
    assert status == 200 or "CLICK99_WEBHOOK_SECRET" in reply.json()["detail"]
    assert server.get("/health").status_code == 200


def test_without_basic_auth_the_secret_alone_opens_the_webhook(start: Start):
    server = start(webhook_secret="s3cret")
    assert server.post("/webhook", json={"action": "X"}, headers=basic("")).status_code == 401
    assert server.post("/predict", json=body(None)).status_code == 200

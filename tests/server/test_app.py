"""The other calls: health, versions, events."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.recorded import webhooks

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

"""`label-studio-ml start` with 1.0.9: clicks get the masks that `click99 serve` gives."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from click99.labelstudio.payloads import PredictRequest
from click99.server.service import Service
from click99.server.settings import Settings
from tests.label_studio_ml.environment import with_path
from tests.server.requests import CONFIG, body, keypoint

pytestmark = pytest.mark.slow("builds an environment, starts its command")

CLICKS = [keypoint("a", 20, 20), keypoint("b", 30, 24), keypoint("c", 50, 40, positive=False)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def url(environment: Path, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running `label-studio-ml start`."""
    port, home = free_port(), tmp_path_factory.mktemp("home")
    command = [environment / "label-studio-ml", "start", project, "--host", "127.0.0.1", "--port", str(port)]
    env = with_path(environment) | {"CLICK99_HOME": str(home)}
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(address, server, home / "log")
        yield address
    finally:
        stop(server)


def wait_until_up(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            requests.get(f"{address}/health", timeout=1).raise_for_status()
            return
        except requests.RequestException:
            time.sleep(0.2)
    pytest.fail(f"label-studio-ml did not start:\n{log.read_text()}")


def stop(server: subprocess.Popen[bytes]) -> None:
    """The command starts python through a shell: end the whole group."""
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(10)


@pytest.fixture(scope="module")
def ready(url: str) -> str:
    """After /setup, which 1.0.9 needs before the first /predict, and within Label Studio's three seconds."""
    said = {"project": "1.1", "schema": CONFIG, "hostname": "http://localhost:8080", "access_token": "t" * 40}
    response = requests.post(f"{url}/setup", json=said, timeout=3)
    assert response.json()["model_version"]
    return url


def test_opening_a_task_predicts_nothing(ready: str):
    response = requests.post(f"{ready}/predict", json=body(None), timeout=60)
    assert response.json()["results"] == [[]]


def test_clicks_get_the_masks_of_click99_serve(ready: str, tmp_path: Path):
    service = Service.load(Settings(home=tmp_path))
    for k in (1, 2, 3):
        request = body(CLICKS[:k])
        answer = requests.post(f"{ready}/predict", json=request, timeout=60).json()["results"]
        assert answer == service.predict(PredictRequest.model_validate(request)).model_dump()["results"]


@pytest.mark.parametrize("action", ["ANNOTATION_CREATED", "PROJECT_UPDATED", "SOMETHING_OF_NEXT_YEAR"])
def test_events_are_taken(ready: str, action: str):
    event = {"action": action, "project": {"id": 1, "label_config": CONFIG}, "annotation": {"id": 5}}
    assert requests.post(f"{ready}/webhook", json=event, timeout=30).status_code == 201


def test_what_is_wrong_with_a_click_is_told(ready: str):
    response = requests.post(f"{ready}/predict", json=body([keypoint("a", 20, 20, label="no")]), timeout=60)
    assert response.status_code == 500  # 1.0.9 knows no other
    assert "'no'" in response.json()["detail"]

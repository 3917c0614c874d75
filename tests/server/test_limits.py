"""Limits that are settings: what is beyond one is refused by name, counted, and told by doctor; what people
do stays far below."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from fastapi.testclient import TestClient

from click99.segmentation.clicks import Click
from click99.server import middleware
from click99.server.own_checks import check_refusals
from click99.server.settings import Settings
from tests.disc_painter import DiscPainter
from tests.server.in_process import running
from tests.server.requests import Start, body, counted, keypoint
from tests.waiting import until

REGION = {"id": "r", "type": "choices", "value": {"choices": ["x"]}}


def with_work(**works: list[Any]) -> dict[str, Any]:
    request = body([keypoint("a", 20, 20)])
    request["tasks"][0] |= {kind: [{"id": 1, "result": results}] for kind, results in works.items()}
    return request


def clicks(number: int, label: str = "cell") -> list[dict[str, Any]]:
    return [keypoint(f"{label} {k}", k % 60, k % 40, label=label) for k in range(number)]


Beyond = tuple[dict[str, int], dict[str, Any], str, str]
BEYOND: dict[str, Beyond] = {
    "a task's results": (
        {"task_results": 5},
        with_work(drafts=[REGION] * 2, annotations=[REGION] * 2, predictions=[REGION] * 2),
        "TooManyResultsError",
        "tasks[0]: 6 results in drafts, annotations and predictions, at most 5. "
        "Share the picture out to several tasks, or raise CLICK99_TASK_RESULTS",
    ),
    "an object's clicks": (
        {"object_clicks": 5},
        body(clicks(6)),
        "TooManyClicksError",
        "params.context.result: 6 clicks on one object, at most 5. "
        "Keep its mask and go on from there, or raise CLICK99_OBJECT_CLICKS",
    ),
}


@pytest.mark.parametrize(("settings", "request_", "kind", "told"), BEYOND.values(), ids=BEYOND.keys())
def test_what_is_beyond_is_refused_by_name(
    start: Start, tmp_path: Path, settings: dict[str, int], request_: dict[str, Any], kind: str, told: str
):
    server = start(**settings)
    reply = server.post("/predict", json=request_)
    assert (reply.status_code, reply.json()["detail"]) == (400, told)
    assert counted(server, f'click99_errors_total{{kind="{kind}"}}') == 1
    (finding,) = check_refusals(Settings(home=tmp_path))
    assert kind in finding.detail
    assert told in finding.detail
    assert start().post("/predict", json=request_).status_code == 200


def test_what_is_at_the_limit_is_answered(start: Start):
    server = start(task_results=6, object_clicks=6)
    assert server.post("/predict", json=BEYOND["a task's results"][1]).status_code == 200
    assert server.post("/predict", json=BEYOND["an object's clicks"][1]).status_code == 200
    beside = [*clicks(6), *clicks(5, "nucleus")]
    assert server.post("/predict", json=body(beside)).status_code == 200, "objects count apart"


def test_many_masks_and_many_clicks_are_below_all_limits(server: TestClient):
    """300 masks in each of the annotations of ten people, and 500 clicks."""
    request = body(clicks(500))
    people = [{"id": k, "result": [REGION | {"id": f"r{n}"} for n in range(300)]} for k in range(10)]
    request["tasks"][0]["annotations"] = people
    assert server.post("/predict", json=request).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/setup", "/webhook", "/try/pictures", "/try/masks"])
def test_an_endless_body_is_cut_off(start: Start, path: str):
    server = start(body_mb=1)
    reply = server.post(path, content=bytes(2**20 + 1))
    told = "body: more than 1 MB. Keep images out of task data, or raise CLICK99_BODY_MB"
    assert (reply.status_code, reply.json()["detail"]) == (413, told)
    assert counted(server, 'click99_errors_total{kind="BodyTooLargeError"}') == 1


class HeldPainter(DiscPainter):
    """Paints nothing before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def refine(self, image: np.ndarray, clicks: Sequence[Click], *more: Any, **named: Any) -> np.ndarray:
        if clicks[0].id in ("a", "b"):
            self.free.wait(60)
        return super().refine(image, clicks, *more, **named)


def test_a_busy_server_says_when_to_come_again(tmp_path: Path):
    painter = HeldPainter()
    with running(tmp_path, painter, requests_at_once=2) as url, ThreadPoolExecutor(2) as pool:
        post = partial(requests.post, timeout=60)
        until(lambda: requests.get(f"{url}/ready", timeout=9).ok)
        asked = [pool.submit(post, f"{url}/predict", json=body([keypoint(name, 9, 9)])) for name in "ab"]
        until(lambda: "click99_requests_in_flight 2.0" in requests.get(f"{url}/metrics", timeout=9).text)
        refused = post(f"{url}/predict", json=body([keypoint("c", 20, 20)]))
        for path in ("/", "/health", "/ready", "/metrics", "/versions"):
            assert requests.get(url + path, timeout=9).status_code == 200, path
        event = post(f"{url}/webhook", json={"action": "TASKS_CREATED"})
        painter.free.set()
        assert [each.result().status_code for each in asked] == [200, 200]
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert "raise CLICK99_REQUESTS_AT_ONCE" in refused.json()["detail"]
        assert event.status_code == 200, "events have places of their own"
        told = requests.get(f"{url}/metrics", timeout=9).text
        assert 'click99_errors_total{kind="TooManyRequestsError"} 1.0' in told
        assert post(f"{url}/predict", json=body([keypoint("c", 20, 20)])).status_code == 200


@pytest.mark.slow("waits for slow bodies")
@pytest.mark.parametrize("path", ["/predict", "/webhook"])
def test_bodies_that_drip_give_their_places_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str):
    monkeypatch.setattr(middleware, "BODY_SECONDS", 1.0)
    with running(tmp_path, requests_at_once=2) as url, ExitStack() as stack:
        host, port = url.removeprefix("http://").split(":")
        begun = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n[".encode()
        drips = [stack.enter_context(socket.create_connection((host, int(port)), 20)) for _ in range(2)]
        for drip in drips:
            drip.sendall(begun)
        until(lambda: requests.post(url + path, json={}, timeout=9).status_code == 503, 5)
        until(lambda: requests.post(url + path, json={"action": "X"}, timeout=9).status_code != 503, 20)
        told = [drip.recv(4096) for drip in drips]
    assert all(b"408" in answer and b"body: not whole after 1 s" in answer for answer in told)

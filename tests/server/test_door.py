"""The door before the replicas, without a cluster: what it asks again, and what keeps a task together."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from fastapi import Request, Response

pytest.importorskip("ray", reason='needs Ray: pip install ".[ray]"')

from ray.exceptions import ActorDiedError

from click99.server.ray_door import TRIES, Door, ReplicaAnswer, session_of
from click99.server.settings import Settings

ANSWER = ReplicaAnswer(201, [(b"x-made-by", b"a replica")], b"mask")


class Replicas:
    """A handle whose first replicas die while they answer."""

    def __init__(self, dying: int = 0):
        self.dying = dying
        self.asked: list[tuple[str, dict[str, Any], bytes]] = []

    def options(self, session_id: str) -> Replicas:
        self.session = session_id
        return self

    @property
    def answer(self) -> Replicas:
        return self

    async def remote(self, scope: dict[str, Any], body: bytes) -> ReplicaAnswer:
        self.asked.append((self.session, scope, body))
        if len(self.asked) <= self.dying:
            raise ActorDiedError
        return ANSWER


def ask(replicas: Replicas, path: str, body: bytes = b"{}", **settings: Any) -> Response:
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [],
        "query_string": b"",
        "app": object(),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    door = Door.func_or_class(replicas, Settings(**settings))  # type: ignore[operator]
    return asyncio.run(door(Request(scope, receive)))


def test_what_a_replica_answers_is_answered() -> None:
    replicas = Replicas()
    body = json.dumps({"project": "7.1764", "tasks": [{"id": 3}]}).encode()
    answer = ask(replicas, "/predict", body)
    assert (answer.status_code, answer.raw_headers, answer.body) == ANSWER
    ((session, scope, sent),) = replicas.asked
    assert (session, sent) == ("7 3", body)
    assert (scope["method"], scope["path"], "app" in scope) == ("POST", "/predict", False)


@pytest.mark.parametrize("dying", [1, TRIES - 1])
def test_a_click_whose_replica_dies_is_asked_of_another(dying: int) -> None:
    replicas = Replicas(dying)
    assert ask(replicas, "/predict").body == b"mask"
    assert len(replicas.asked) == dying + 1


@pytest.mark.parametrize(("path", "tries"), [("/predict", TRIES), ("/webhook", 1), ("/train", 1)])
def test_an_event_is_told_once_and_a_click_given_up_at_last(path: str, tries: int) -> None:
    replicas = Replicas(dying=99)
    answer = ask(replicas, path)
    assert answer.status_code == 503
    assert f"tries: {tries}). Send it again" in json.loads(bytes(answer.body))["detail"]
    assert len(replicas.asked) == tries


@pytest.mark.parametrize("path", ["/predict", "/webhook"])
def test_a_body_too_large_reaches_no_replica(path: str) -> None:
    replicas = Replicas()
    answer = ask(replicas, path, bytes(2**20 + 1), body_mb=1)
    assert answer.status_code == 413
    assert "CLICK99_BODY_MB" in json.loads(bytes(answer.body))["detail"]
    assert replicas.asked == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b"{}", b'{"tasks": []}', b'{"tasks": [7]}', b'{"tasks": 7}', b"\xff"]
)
def test_what_names_no_task_goes_to_any_replica(body: bytes) -> None:
    assert session_of(body) == ""


def test_the_projects_change_does_not_part_a_task() -> None:
    bodies = [json.dumps({"project": f"7.{when}", "tasks": [{"id": 3}]}).encode() for when in (1, 2)]
    assert {session_of(body) for body in bodies} == {"7 3"}


@pytest.mark.slow("imports Ray")
def test_it_imports_no_network():
    imported = [sys.executable, "-c", "import sys, click99.server.ray_door; print('torch' in sys.modules)"]
    assert subprocess.run(imported, capture_output=True, text=True, check=True).stdout == "False\n"

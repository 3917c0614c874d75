"""/ready: from the first answered click on, and not if it fails."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.disc_painter import DiscPainter
from tests.server.requests import Start
from tests.waiting import until


def test_it_is_ready_once_a_click_is_answered(
    start: Start, painter: DiscPainter, monkeypatch: pytest.MonkeyPatch
):
    answered, judged = threading.Event(), painter.judged

    def late(*arguments: Any) -> Any:
        answered.wait(10)
        return judged(*arguments)

    monkeypatch.setattr(painter, "judged", late)
    server = start()
    reply = server.get("/ready")
    assert (reply.status_code, reply.json()["status"]) == (503, "NOT READY")
    assert server.get("/health").is_success, "alive all the same"
    answered.set()
    until(lambda: server.get("/ready").status_code == 200)


def test_a_network_that_fails_is_not_ready(
    start: Start, painter: DiscPainter, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(painter, "judged", broken)
    server = start()
    until(lambda: "MemoryError" in server.get("/ready").json()["detail"])
    assert server.get("/ready").status_code == 503


def test_it_asks_for_no_password(start: Start):
    server: TestClient = start(basic_auth_user="anna", basic_auth_password="secret")
    assert server.get("/ready").status_code in (200, 503)


def test_a_server_s_end_waits_for_its_click(
    start: Start, painter: DiscPainter, monkeypatch: pytest.MonkeyPatch
):
    ended, judged = threading.Event(), painter.judged

    def slow(*arguments: Any) -> Any:
        time.sleep(0.5)
        ended.set()
        return judged(*arguments)

    monkeypatch.setattr(painter, "judged", slow)
    start().__exit__(None, None, None)
    assert ended.is_set()

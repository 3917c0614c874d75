"""The dashboard at /stats: who gets it, and how often it is made."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from click99.annotations.database import Database, sqlite_url
from click99.server import stats_page
from click99.server.settings import Settings
from click99.server.stats_page import StatsPage
from tests.annotations.examples import brush_item, keep, saved
from tests.server.requests import Start


def test_it_is_shown_on_this_computer(server: TestClient):
    shown = server.get("/stats")
    assert shown.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert shown.headers["cache-control"] == "no-store"
    assert "no saved mask with clicks" in shown.text


def test_it_asks_for_the_password(start: Start):
    server = start(peer="10.0.0.7", basic_auth_user="anna", basic_auth_password="secret")
    assert server.get("/stats").status_code == 401
    assert server.get("/stats", auth=("anna", "secret")).is_success


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-For": "10.0.0.7"}])
def test_other_computers_get_nothing_without_a_password(start: Start, headers: dict[str, str]):
    refused = start(peer="127.0.0.1" if headers else "10.0.0.7").get("/stats", headers=headers)
    assert refused.status_code == 403
    assert "CLICK99_BASIC_AUTH_USER" in refused.json()["detail"]


def test_it_is_made_anew_once_it_is_stale(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch):
    server = start()
    assert "no saved mask" in server.get("/stats").text
    keep(Database(sqlite_url(tmp_path)), saved(brush_item()))
    assert "1 drawn by hand" not in server.get("/stats").text
    now = stats_page.time.monotonic()
    monkeypatch.setattr(stats_page.time, "monotonic", lambda: now + 3600)
    assert "1 drawn by hand" in server.get("/stats").text


def test_whoever_asks_together_gets_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made: list[int] = []

    def make(_: StatsPage) -> str:
        made.append(threading.get_ident())
        return "page"

    monkeypatch.setattr(StatsPage, "_make", make)
    database = Database(sqlite_url(tmp_path))
    asked = StatsPage(Settings(home=tmp_path), database, lambda found: np.empty(0), lambda: None)

    async def together() -> list[str]:
        return await asyncio.gather(*(asked.get() for _ in range(20)))

    assert asyncio.run(together()) == ["page"] * 20
    assert len(made) == 1
    assert made[0] != threading.get_ident(), "not on the event loop's thread"

"""The part of Label Studio's API that a comparison asks, over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.annotations.examples import PROJECT, brush_item, saved


class Api:
    """The part of Label Studio's API that is asked, over tasks that a test may change."""

    def __init__(self) -> None:
        self.tasks: dict[int, list[dict[str, Any]]] = {}
        self.times: dict[int, int] = {}
        self.hidden: set[int] = set()  # tasks that the list of tasks forgets
        self.asked: list[str] = []
        self.instead: dict[str, Any] = {}  # path -> what is answered in place of its reply
        self.meanwhile: dict[
            str, Callable[[], None]
        ] = {}  # path -> what happens while its reply is on its way

    def save(self, task: int, number: int, minute: int = 0, skipped: bool = False) -> None:
        event = saved(brush_item(), number=number, minute=minute, was_cancelled=skipped)
        annotation = json.loads(event)["annotation"]
        others = [known for known in self.tasks.get(task, []) if known["id"] != number]
        self.tasks[task] = [*others, annotation | {"task": task}]
        self.times[task] = self.times.get(task, 0) + 1

    def answer(self, url: str) -> Any:
        """None: there is no such thing."""
        path, asked = urlsplit(url).path.rstrip("/"), parse_qs(urlsplit(url).query)
        self.asked.append(path)
        if path in self.instead:
            return self.instead[path]
        parts = path.split("/")[2:]
        if parts == ["projects"]:
            return {"count": 1, "results": [PROJECT | {"title": "cells"}]}
        if parts[0] == "projects":
            return PROJECT | {"title": "cells"} if parts[1:] == ["1"] else None
        if parts == ["tasks"]:
            shown = sorted(self.tasks.keys() - self.hidden)
            first = (int(asked["page"][0]) - 1) * int(asked["page_size"][0])
            page = shown[first : first + int(asked["page_size"][0])]
            return {"total": len(shown), "tasks": [self._task(task) for task in page]}
        task = int(parts[1])
        if task not in self.tasks:
            return None
        return self._task(task) | {"annotations": self.tasks[task]}

    def _task(self, task: int) -> dict[str, Any]:
        return {
            "id": task,
            "data": {"image": f"/data/{task}.png"},
            "updated_at": f"2026-01-01T00:00:{self.times[task]:02}.5Z",
            "total_annotations": sum(not a["was_cancelled"] for a in self.tasks[task]),
            "cancelled_annotations": sum(a["was_cancelled"] for a in self.tasks[task]),
        }


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = deepcopy(api.answer(self.path))
            api.meanwhile.pop(api.asked[-1], lambda: None)()
            content = json.dumps(reply).encode()
            self.send_response(404 if reply is None else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def address(api: Api) -> Iterator[str]:
    with serving(api) as address:
        yield address

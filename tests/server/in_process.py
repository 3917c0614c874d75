"""A real server in this process, over a stand-in for the network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from click99.server.app import create_app
from click99.server.settings import Settings
from tests.disc_painter import DiscPainter
from tests.waiting import until


@contextmanager
def running(home: Path, painter: DiscPainter | None = None, **settings: Any) -> Iterator[str]:
    """A server over the disc painter -> its address."""
    app = create_app(Settings(home=home, port=0, **settings), painter or DiscPainter())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.force_exit = server.should_exit = True
        thread.join(30)

"""The dashboard at `/stats` (docs/reference/dashboard.md), behind the same auth as the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from click99.annotations.database import Database
from click99.annotations.saved_masks import MaskFilter
from click99.dashboard.costliest import Pictures
from click99.dashboard.names import Names
from click99.dashboard.page import dashboard
from click99.labelstudio.client import Client
from click99.registry.versions import Registry
from click99.server.middleware import comes_from_loopback
from click99.server.settings import Settings

FRESH_SECONDS = 60.0  # that a page is shown again, at least
REST = 20  # and so many times as long as it took: whoever watches costs a twentieth of a core
# It holds its style and pictures itself, and runs no script.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}

KnownStudio = Callable[[], Client | None]


class StatsPage:
    """Made by one thread at a time, whoever asks; Label Studio is asked for names once each time."""

    def __init__(self, settings: Settings, database: Database, pictures: Pictures, label_studio: KnownStudio):
        self._settings, self._database, self._pictures = settings, database, pictures
        self._label_studio = label_studio
        self._making = asyncio.Lock()
        self._page, self._stale_at = "", 0.0

    async def get(self) -> str:
        async with self._making:
            if (begun := time.monotonic()) >= self._stale_at:
                self._page = await run_in_threadpool(self._make)
                took = time.monotonic() - begun
                self._stale_at = begun + took + max(FRESH_SECONDS, REST * took)
            return self._page

    def _make(self) -> str:
        registry = Registry.at(self._settings.home, self._settings.registry_url)
        names = Names.of(self._label_studio())
        return dashboard(self._database, registry, MaskFilter(), self._pictures, names)


def add_stats_page(
    app: FastAPI, settings: Settings, database: Database, pictures: Pictures, label_studio: KnownStudio
) -> None:
    stats_page = StatsPage(settings, database, pictures, label_studio)

    @app.get("/stats", response_class=HTMLResponse)
    async def stats(request: Request) -> HTMLResponse:
        if not settings.credentials and not comes_from_loopback(request.scope):
            raise HTTPException(403, CLOSED)
        return HTMLResponse(await stats_page.get(), headers=HEADERS)


CLOSED = (
    "/stats shows pictures and who annotates them, and this server asks for no password. Set "
    "CLICK99_BASIC_AUTH_USER and CLICK99_BASIC_AUTH_PASSWORD, or run click99 stats --html FILE"
)

"""The HTTP side: Label Studio's ML backend protocol on FastAPI."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from backend.server.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The server for these settings."""
    app = FastAPI(title="click99")

    @app.get("/")
    @app.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "UP", "model_class": "click99"}

    return app

"""click99 inside label-studio-ml, for people who run `label-studio-ml start`: one model class, same service.

Works with label-studio-ml 1.0.9 (PyPI) and 2.x (git). `label-studio-ml init` copies the script that it is
given; a copy of this file would hide label-studio-ml's own package, so give it a script of another name:

    echo "from click99.label_studio_ml import Click99" > model.py
    label-studio-ml init click99-backend --script model.py:Click99
    label-studio-ml start click99-backend --port 9090

Settings are the environment variables of `click99 serve`; address and basic auth are label-studio-ml's own.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

from flask import has_request_context, request  # pyright: ignore[reportMissingImports]
from label_studio_ml.model import LabelStudioMLBase  # pyright: ignore[reportMissingImports]

from click99.labelstudio.payloads import PredictRequest, SetupRequest
from click99.server.connection import is_loopback
from click99.server.promotions import Follower
from click99.server.retraining import Retraining
from click99.server.service import Service
from click99.server.settings import Settings
from click99.server.storage import open_database

_loading = threading.Lock()


@functools.cache
def _load() -> Service:
    settings = Settings()
    loaded = Service.load(settings)
    Follower(settings, loaded).start()
    return loaded


def service() -> Service:
    """The process's service, loaded at the first /predict.

    label-studio-ml makes a model for every /setup (1.0.9) or request (2.x), and /setup has three seconds.
    """
    with _loading:
        return _load()


class Click99(LabelStudioMLBase):
    """label-studio-ml's view of the service."""

    def __init__(self, *args: Any, **kwargs: Any):
        """1.0.9 passes on what /setup said (hostname, access_token …), 2.x project_id and label_config."""
        super().__init__(*args, **kwargs)
        self._introduction = SetupRequest.model_validate(
            {"hostname": kwargs.get("hostname"), "access_token": kwargs.get("access_token")}
        )
        self._from_loopback = has_request_context() and is_loopback(request.remote_addr or "")

    def setup(self) -> None:
        """2.x asks for a version before anything is loaded; predictions carry the checkpoint's own."""
        self.set("model_version", "click99")

    def predict(
        self, tasks: list[dict[str, Any]], context: dict[str, Any] | None = None, **_: Any
    ) -> list[Any]:
        """One click, or without context the opening of tasks: `Service.predict` as plain lists."""
        clicked = PredictRequest.model_validate(
            {"tasks": tasks, "label_config": self.label_config, "params": {"context": context}}
        )
        loaded = service()
        loaded.setup(self._introduction, self._from_loopback)
        return loaded.predict(clicked).model_dump()["results"]

    def fit(self, *given: Any, event: str = "", **_: Any) -> dict[str, Any]:
        """Takes every event; that of Label Studio's button begins a fine-tune (docs/how-to/retrain.md)."""
        if "START_TRAINING" not in (event, *given):
            return {}
        settings = Settings()
        number, detail = Retraining(settings, open_database(settings)).begin("label-studio-ml")
        return {"job": str(number), "detail": detail}

"""What may be sent, at /openapi.json. Bodies are read off the event loop, where FastAPI sees none of them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from click99 import __version__
from click99.labelstudio.payloads import PredictRequest, SetupRequest
from click99.labelstudio.webhook import WebhookEvent
from click99.try_page.masks import MaskQuestion

PLACE = "#/components/schemas/{model}"
BODIES: dict[str, type[BaseModel]] = {
    "/predict": PredictRequest,
    "/setup": SetupRequest,
    "/webhook": WebhookEvent,
    "/try/masks": MaskQuestion,
}
FILES = ("/try/pictures",)
REFUSED = {"description": '`{"detail": "field: problem. remedy"}`'}


def describe(app: FastAPI) -> None:
    """Complete the schema that the app tells."""

    def openapi() -> dict[str, Any]:
        app.openapi_schema = app.openapi_schema or _described(app)
        return app.openapi_schema

    app.openapi = openapi


def _described(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=__version__, routes=app.routes)
    models, definitions = models_json_schema(
        [(model, "validation") for model in BODIES.values()], ref_template=PLACE
    )
    schema.setdefault("components", {}).setdefault("schemas", {}).update(definitions["$defs"])
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["responses"]["4XX"] = REFUSED
        if path in BODIES:
            body = {"application/json": {"schema": models[BODIES[path], "validation"]}}
            operations["post"]["requestBody"] = {"required": True, "content": body}
        elif path in FILES:
            operations["post"]["requestBody"] = {"required": True, "content": {"image/*": {}}}
    return schema

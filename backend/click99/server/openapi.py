"""What may be sent and is answered, at /openapi.json. Bodies are read off the event loop, where FastAPI sees
none of them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from click99 import __version__
from click99.labelstudio.payloads import PredictRequest, SetupRequest
from click99.labelstudio.webhook import WebhookEvent
from click99.server.middleware import OPEN_PATHS
from click99.server.settings import Settings
from click99.try_page.masks import MaskQuestion, Part

Operation = dict[str, Any]

PLACE = "#/components/schemas/{model}"
BODIES: dict[str, type[BaseModel]] = {
    "/predict": PredictRequest,
    "/setup": SetupRequest,
    "/webhook": WebhookEvent,
    "/try/masks": MaskQuestion,
}
FILES = ("/try/pictures",)
QUERIES: dict[str, type[BaseModel]] = {"/try/pictures/{picture}": Part}


class Refusal(BaseModel):
    """What is answered instead. detail: "field: problem. remedy"."""

    detail: str


STATUSES = {
    400: "Not JSON, or not what is asked for here",
    401: "Basic auth, or an event's secret, is missing or wrong",
    403: "A page of another site, or for `/stats` another computer where no password is set",
    404: "The picture is not kept any more",
    408: "The body is not whole after two minutes",
    413: "The body has more than CLICK99_BODY_MB",
    422: "The label config or the image can't be used",
    500: "A defect of click99; its log has the traceback under the id that is told",
    503: "Not ready, or CLICK99_REQUESTS_AT_ONCE are being answered",
    507: "The disk takes no more",
}
HEADERS = {401: "WWW-Authenticate", 503: "Retry-After"}
OF_BODIES = (408, 413, 503)
OWN: dict[str, tuple[int, ...]] = {
    "/ready": (503,),
    "/setup": (400,),
    "/predict": (400, 422),
    "/webhook": (400, 507),
    "/train": (507,),
    "/stats": (403,),
    "/try/pictures": (422,),
    "/try/pictures/{picture}": (400, 404, 422),
    "/try/masks": (400, 404, 422),
}


def describe(app: FastAPI, settings: Settings) -> None:
    """Complete the schema that the app tells."""

    def openapi() -> dict[str, Any]:
        app.openapi_schema = app.openapi_schema or _described(app, settings)
        return app.openapi_schema

    app.openapi = openapi


def _described(app: FastAPI, settings: Settings) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=__version__, routes=app.routes)
    _, definitions = models_json_schema(
        [(model, "validation") for model in (*BODIES.values(), Refusal)], ref_template=PLACE
    )
    parts = schema.setdefault("components", {})
    parts.setdefault("schemas", {}).update(definitions["$defs"])
    parts["securitySchemes"] = _security_schemes(settings)
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _describe_request(operation, path, method)
            operation["security"] = _security(path, settings)
            for status in sorted(_refused(path, method, settings)):
                operation["responses"][str(status)] = _refusal(status)
    return schema


def _describe_request(operation: Operation, path: str, method: str) -> None:
    if path in QUERIES:
        asked = QUERIES[path].model_json_schema()["properties"]
        operation["parameters"] += [{"name": name, "in": "query", "schema": asked[name]} for name in asked]
    if method == "post" and path in BODIES:
        content = {"application/json": {"schema": _model(BODIES[path])}}
        operation["requestBody"] = {"required": True, "content": content}
    elif method == "post" and path in FILES:
        file = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": True, "content": {"image/*": file}}


def _model(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": PLACE.format(model=model.__name__)}


def _security_schemes(settings: Settings) -> dict[str, Any]:
    schemes: dict[str, Any] = {}
    if settings.credentials:
        schemes["basic"] = {"type": "http", "scheme": "basic"}
    if settings.webhook_secret:
        schemes["secret"] = {"type": "apiKey", "in": "header", "name": "X-Click99-Secret"}
    return schemes


def _security(path: str, settings: Settings) -> list[dict[str, list[str]]]:
    """Any one of them opens it; none: it is open."""
    names = _security_schemes(settings)
    if path in OPEN_PATHS and not (path == "/webhook" and settings.webhook_secret):
        return []
    return [{name: []} for name in names if path == "/webhook" or name == "basic"]


def _refused(path: str, method: str, settings: Settings) -> set[int]:
    """The statuses of what is not answered."""
    statuses = {500, *OWN.get(path, ())}
    if method == "post":
        statuses |= {403}
    if method == "post" and (path in BODIES or path in FILES):
        statuses |= set(OF_BODIES)
    if _security(path, settings) or (path == "/webhook" and settings.credentials):  # START_TRAINING's
        statuses |= {401}
    return statuses


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/json": {"schema": _model(Refusal)}}
    told: dict[str, Any] = {"description": STATUSES[status], "content": content}
    if status in HEADERS:
        told["headers"] = {HEADERS[status]: {"schema": {"type": "string"}}}
    return told

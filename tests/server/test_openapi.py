"""The schema that a server tells at /openapi.json: whole, and of what is really read."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from openapi_spec_validator import validate

from tests.server.requests import body, keypoint

READ_NOTHING = {"/versions", "/train"}


@pytest.fixture
def schema(server: TestClient) -> dict[str, Any]:
    return server.get("/openapi.json").json()


def test_it_is_one(schema: dict[str, Any]):
    validate(schema)


def test_every_body_that_is_read_is_told(schema: dict[str, Any]):
    posted = {path for path, operations in schema["paths"].items() if "post" in operations}
    told = {path for path in posted if "requestBody" in schema["paths"][path]["post"]}
    assert posted - told == READ_NOTHING


def test_a_click_is_told_field_by_field(schema: dict[str, Any]):
    request = body([keypoint("a", 3, 4)])
    parts = schema["components"]["schemas"]
    assert request.keys() <= parts["PredictRequest"]["properties"].keys()
    click = request["params"]["context"]["result"][0]
    assert {"id", "type", "from_name", "value"} <= click.keys() & parts["ContextItem"]["properties"].keys()

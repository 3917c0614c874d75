"""The schema that a server tells at /openapi.json: whole, and of what is really read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.recorded import PAYLOADS
from tests.server.requests import Start, body, keypoint

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


@pytest.mark.parametrize(
    "sent", [*PAYLOADS.glob("*_*.json"), PAYLOADS / "setup.json"], ids=lambda file: file.stem
)
def test_what_label_studio_sends_is_as_told(schema: dict[str, Any], sent: Path):
    told = schema["paths"]["/" + sent.stem.partition("_")[0]]["post"]["requestBody"]["content"]
    body_of = told["application/json"]["schema"] | {"components": schema["components"]}
    Draft202012Validator(body_of).validate(json.loads(sent.read_text()))


def test_what_opens_an_operation_is_told(start: Start):
    """ignored_auth of test_fuzz.py sees that it does, and nothing else."""
    schema = (
        start(basic_auth_user="ann", basic_auth_password="secret", webhook_secret="hush")
        .get("/openapi.json", auth=("ann", "secret"))
        .json()
    )
    opens = {path: {name for way in one["security"] for name in way} for path, one in operations(schema)}
    assert {path for path, names in opens.items() if not names} == {"/health", "/ready"}
    assert opens.pop("/webhook") == {"basic", "secret"}
    assert set.union(*opens.values()) == {"basic"}


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(path, one) for path, methods in schema["paths"].items() for one in methods.values()]

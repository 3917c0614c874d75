"""Payloads: our own copies of what Label Studio 1.23 sends, and the recorded ones beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from click99.labelstudio.errors import PayloadError
from click99.labelstudio.payloads import Context, PredictRequest, SetupRequest, parse
from click99.labelstudio.predictions import MaskRegion, Prediction, PredictResponse
from click99.labelstudio.prompts import read_prompt
from click99.labelstudio.region_types import BrushValue
from click99.labelstudio.webhook import WebhookEvent
from click99.segmentation.clicks import Click
from tests.recorded import PAYLOADS, RECORDED, needs_recorded, webhooks


def ours(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def test_an_opened_task_has_no_context():
    request = parse(PredictRequest, ours("predict_open"))
    assert request.context is None
    assert request.task.id == "7"
    assert request.task.data == {"image": "/data/upload/1/0a1b2c3d-leaf.png"}


def test_clicks_in_order_with_ids_places_and_signs():
    request = parse(PredictRequest, ours("predict_clicks"))
    assert request.context
    prompt = read_prompt(request.context.result)
    assert prompt.items[0].object == ("kp", "leaf", None)
    assert prompt.clicks(48, 64) == [
        Click(22, 19, True, "click-a"),
        Click(28, 21, True, "click-b"),
        Click(16, 14, False, "click-c"),
    ]


def test_predictions_are_not_read():
    body = json.loads(ours("predict_after_accept"))
    body["tasks"][0]["predictions"] = [{"id": 1, "result": [{"value": {"rle": [1, 2, 3]}}], "mark": "here"}]
    assert "here" not in parse(PredictRequest, json.dumps(body).encode()).model_dump_json()


def test_setup_hides_its_token():
    setup = parse(SetupRequest, ours("setup"))
    assert setup.hostname == "http://localhost:8080"
    assert setup.access_token
    assert setup.access_token.get_secret_value().startswith("0123")
    assert "0123" not in repr(setup)
    assert "<KeyPointLabels" in setup.label_config


@pytest.mark.parametrize(
    ("name", "action"),
    [("webhook_annotation_created", "ANNOTATION_CREATED"), ("webhook_start_training", "START_TRAINING")],
)
def test_webhooks(name: str, action: str):
    event = parse(WebhookEvent, ours(name))
    assert event.action == action
    assert [project.id for project in event.projects] == ["1"]


@needs_recorded
@pytest.mark.parametrize("path", sorted(RECORDED.glob("backend_predict_*.json")), ids=lambda path: path.stem)
def test_recorded_predictions(path: Path):
    body = json.loads(path.read_text())["body"]
    request = parse(PredictRequest, json.dumps(body).encode())
    assert request.context
    prompt = read_prompt(request.context.result)
    first = body["params"]["context"]["result"][0]
    assert prompt.items[0].id == first["id"]
    x, y = int(first["value"]["x"] * 6.4), int(first["value"]["y"] * 4.8)
    assert prompt.clicks(480, 640)[0] == Click(x, y, True, first["id"])


@needs_recorded
@pytest.mark.parametrize("path", sorted(RECORDED.glob("interactive_*.json")), ids=lambda path: path.stem)
def test_recorded_clicks(path: Path):
    sent = json.loads(path.read_text())["request"]["context"]
    prompt = read_prompt(Context.model_validate(sent).result)
    height, width = sent["result"][0]["original_height"], sent["result"][0]["original_width"]
    signs = [click.positive for click in prompt.clicks(height, width)]
    assert signs == [click["is_positive"] for click in sent["result"]]


@pytest.mark.parametrize("body", webhooks())
def test_every_webhook_is_read(body: dict):
    assert parse(WebhookEvent, json.dumps(body).encode()).action == body["action"]


@needs_recorded
def test_a_recorded_rotated_image_has_its_upright_size():
    sent = json.loads((RECORDED / "interactive_exif6.json").read_text())["request"]["context"]
    assert read_prompt(Context.model_validate(sent).result).clicks(640, 480)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "^body: Invalid JSON"),
        (b"{", "^body: Invalid JSON"),
        (b"\xff", "^body: Invalid JSON"),
        (b"[1]", r"^body: .* not \[1\]"),
        (b"{}", r"^tasks: none\. Send"),
        (b'{"tasks": [], "label_config": ""}', r"^tasks: none\. Send"),
        (b'{"tasks": [3], "label_config": ""}', r"^tasks\[0\]: .*object, not 3"),
        (b'{"tasks": 3, "label_config": ""}', "^tasks: .*array, not 3"),
    ],
)
def test_bodies_that_label_studio_does_not_send(body: bytes, message: str):
    with pytest.raises(PayloadError, match=message):
        parse(PredictRequest, body)


@pytest.mark.parametrize("value", ["nan", "inf", '"left"', "[]"])
def test_positions_that_are_no_numbers(value: str):
    request = json.loads(ours("predict_clicks"))
    request["params"]["context"]["result"][1]["value"]["x"] = "HERE"
    body = json.dumps(request).replace('"HERE"', {"nan": "NaN", "inf": "Infinity"}.get(value, value))
    with pytest.raises(PayloadError, match=r"^params\.context\.result\[1\]\.value\.x: "):
        parse(PredictRequest, body.encode())


def test_a_long_wrong_value_is_not_repeated_whole():
    body = json.dumps({"tasks": "x" * 10_000, "label_config": ""}).encode()
    with pytest.raises(PayloadError) as caught:
        parse(PredictRequest, body)
    assert len(str(caught.value)) < 300


def test_the_answer_has_what_label_studio_needs():
    value = BrushValue(rle=[1, 2, 255], brushlabels=["leaf"])
    region = MaskRegion(
        type="brushlabels",
        id="r",
        from_name="brush",
        to_name="image",
        original_width=64,
        original_height=48,
        score=0.5,
        value=value,
    )
    response = PredictResponse(results=[Prediction(result=[region], model_version="m", score=0.5), []])
    assert json.loads(response.model_dump_json()) == {
        "results": [
            {
                "result": [
                    {
                        "id": "r",
                        "from_name": "brush",
                        "to_name": "image",
                        "type": "brushlabels",
                        "original_width": 64,
                        "original_height": 48,
                        "image_rotation": 0,
                        "item_index": None,
                        "origin": "prediction",
                        "score": 0.5,
                        "readonly": False,
                        "meta": {},
                        "value": {"format": "rle", "rle": [1, 2, 255], "brushlabels": ["leaf"]},
                    }
                ],
                "model_version": "m",
                "score": 0.5,
            },
            [],
        ]
    }

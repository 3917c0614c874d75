"""What is counted at /metrics."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from click99.server.prometheus import Metrics
from tests.server.requests import body, keypoint


def test_metrics_count_clicks_hits_and_errors(server: TestClient):
    one, other, outside = keypoint("a", 20, 20), keypoint("b", 30, 30), keypoint("c", 2000, 20)
    for clicks in ([one], [one, other], [outside]):
        server.post("/predict", json=body(clicks))
    lines = server.get("/metrics").text.splitlines()
    assert "click99_clicks_total 2.0" in lines
    assert "click99_click_seconds_count 2.0" in lines
    assert "click99_cache_hits_total 1.0" in lines
    assert "click99_replayed_steps_total 0.0" in lines
    assert 'click99_stage_seconds_count{stage="decode"} 2.0' in lines
    assert 'click99_stage_seconds_count{stage="encode"} 2.0' in lines
    assert "click99_requests_in_flight 0.0" in lines
    assert 'click99_errors_total{kind="PayloadError"} 1.0' in lines


def test_steps_that_run_but_for_the_newest_click_are_replays():
    metrics = Metrics()
    metrics.steps(found=0, run=3)
    metrics.steps(found=2, run=1)
    metrics.steps(found=3, run=0)
    lines = metrics.text().decode().splitlines()
    assert "click99_replayed_steps_total 2.0" in lines
    assert "click99_cache_hits_total 5.0" in lines


@pytest.mark.parametrize(("action", "counted"), [("ANNOTATION_CREATED", 1), ("ANNOTATION_UPDATED", 0)])
def test_the_clicks_that_a_saved_mask_took_are_counted_once(server: TestClient, action: str, counted: int):
    clicked = {"id": "r", "meta": {"clicks": [["a", 1, 2, True], ["b", 3, 4, False]]}}
    annotation = {"id": 1, "task": 1, "result": [clicked, {"id": "drawn"}, None]}
    assert server.post("/webhook", json={"action": action, "annotation": annotation}).is_success
    lines = server.get("/metrics").text.splitlines()
    assert f"click99_clicks_to_accept_count {counted}.0" in lines
    assert f'click99_clicks_to_accept_bucket{{le="2.0"}} {counted}.0' in lines
    assert 'click99_clicks_to_accept_bucket{le="1.0"} 0.0' in lines


def test_one_version_is_served_and_those_before_are_told():
    metrics = Metrics()
    metrics.serves({"first"})
    metrics.serves({"second"}, before="first")
    served = [
        line for line in metrics.text().decode().splitlines() if line.startswith("click99_model_served{")
    ]
    assert served == [
        'click99_model_served{version="first"} 0.0',
        'click99_model_served{version="second"} 1.0',
    ]


def test_two_servers_of_one_process_count_apart():
    one, other = Metrics(), Metrics()
    one.set_aside("event")
    told = 'click99_record_set_aside_total{kind="event"} 1.0'
    assert (told in one.text().decode(), told in other.text().decode()) == (True, False)

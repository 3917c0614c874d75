"""What is counted at /metrics."""

from __future__ import annotations

from fastapi.testclient import TestClient

from click99.server.prometheus import Metrics
from tests.server.requests import body, keypoint


def test_metrics_count_clicks_hits_and_errors(server: TestClient):
    for clicks in ([keypoint("a", 20, 20)], [keypoint("a", 20, 20), keypoint("b", 30, 30)], []):
        server.post("/predict", json=body(clicks))
    lines = server.get("/metrics").text.splitlines()
    assert "click99_clicks_total 2.0" in lines
    assert "click99_click_seconds_count 2.0" in lines
    assert "click99_cache_hits_total 1.0" in lines
    assert 'click99_errors_total{kind="PayloadError"} 1.0' in lines


def test_one_version_is_served_and_those_before_are_told():
    metrics = Metrics()
    metrics.serves("first")
    metrics.serves("second", before="first")
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

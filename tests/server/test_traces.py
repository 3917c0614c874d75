"""Spans of a click: sent to a collector that is named, and nothing where none is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROOT = Path(__file__).parents[2]
ONE_CLICK = """
import sys
from fastapi.testclient import TestClient
from opentelemetry import trace
from click99.server.app import create_app
from click99.server.settings import Settings
from click99.server.traces import start_traces
from tests.disc_painter import DiscPainter
from tests.server.requests import body, keypoint
start_traces()
with TestClient(create_app(Settings(home=sys.argv[1]), DiscPainter())) as server:
    assert server.post("/predict", json=body([keypoint("a", 20, 20)])).is_success
getattr(trace.get_tracer_provider(), "shutdown", lambda: None)()
"""


class Collector:
    """Takes what is exported over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()

    def take(self, content: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(content).resource_spans:
            named = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.services.add(named["service.name"])
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    taken = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield taken, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def click(home: Path, **more: str) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "backend"), str(ROOT / "training")])
    environment = os.environ | {"PYTHONPATH": path} | more
    subprocess.run([sys.executable, "-c", ONE_CLICK, str(home)], env=environment, check=True, timeout=120)


@pytest.mark.slow("starts a server")
def test_a_click_s_stages_are_spans_under_it(collector: tuple[Collector, str], tmp_path: Path):
    taken, address = collector
    click(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=address)
    named = {span.name: span for span in taken.spans}
    assert {"predict", "decode", "queue", "encode"} <= named.keys()
    assert {named[stage].parent_span_id for stage in ("decode", "queue", "encode")} == {
        named["predict"].span_id
    }
    assert taken.services == {"click99"}


@pytest.mark.slow("starts a server")
def test_nothing_is_sent_where_no_collector_is_named(collector: tuple[Collector, str], tmp_path: Path):
    click(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="")
    assert collector[0].spans == []

"""OpenTelemetry traces of clicks, a span for each stage, where a collector's address is set."""

from __future__ import annotations

import os

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"  # OpenTelemetry's own variable, http://collector:4318


def start_traces() -> None:
    """Send spans there in the background, as service OTEL_SERVICE_NAME or click99; nowhere if it is not set.

    Raises:
        ModuleNotFoundError: it is set, and the extra `traces` is not installed.
    """
    if not os.environ.get(ENDPOINT):
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", "click99")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

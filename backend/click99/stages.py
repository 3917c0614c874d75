"""How long the stages of a request take: measured where they happen, told to whoever watches, and traced."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace

TRACER = trace.get_tracer("click99")  # of no trace, until a provider is set (server/traces.py)

_times: ContextVar[dict[str, float] | None] = ContextVar("times", default=None)


@contextmanager
def watch() -> Iterator[dict[str, float]]:
    """The seconds spent in each stage from here on, in this thread and those that it hands work to; inside
    another watch, that one's."""
    times = _times.get()
    if times is not None:
        yield times
        return
    times = {}
    token = _times.set(times)
    try:
        yield times
    finally:
        _times.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """What happens inside counts for `name`; a span of it in traces."""
    times, begun = _times.get(), time.perf_counter()
    try:
        with TRACER.start_as_current_span(name):
            yield
    finally:
        if times is not None:
            times[name] = times.get(name, 0.0) + time.perf_counter() - begun

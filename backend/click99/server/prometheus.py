"""What a server counts, in Prometheus' text format at /metrics."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CLICK_SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One server's counters, in a registry of their own.

    With PROMETHEUS_MULTIPROC_DIR set before this module is imported, as `run_workers` does, `text` adds up
    what all processes counted there.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._collectors: list[Collector] = []
        self.clicks = Counter("click99_clicks", "Clicks answered with a mask.", registry=self._registry)
        self.seconds = Histogram(
            "click99_click_seconds",
            "Seconds from a decoded click to its mask.",
            buckets=CLICK_SECONDS,
            registry=self._registry,
        )
        self.errors = Counter("click99_errors", "Failed requests.", ["kind"], registry=self._registry)
        self.cache_hits = Counter(
            "click99_cache_hits", "Network steps found in the cache instead of run.", registry=self._registry
        )

        self.unaccepted = Counter(
            "click99_unaccepted",
            "Annotations submitted with a mask that nobody accepted; click99 recover restores them.",
            registry=self._registry,
        )
        self.superseded = Counter(
            "click99_superseded",
            "Clicks overtaken by newer ones before their mask was ready.",
            registry=self._registry,
        )

        self.redis_losses = Counter(
            "click99_redis_losses", "Times that Redis stopped answering.", registry=self._registry
        )

        self._served = Gauge(
            "click99_model_served",
            "1 for the model version that new objects run on, 0 for those before it.",
            ["version"],
            registry=self._registry,
            multiprocess_mode="mostrecent",
        )
        self.refused = Counter(
            "click99_model_refusals",
            "Times that a promoted version could not be served.",
            registry=self._registry,
        )

        self._waiting = Gauge(
            "click99_record_waiting",
            "Clicks and events that wait to be recorded.",
            ["kind"],
            registry=self._registry,
            multiprocess_mode="mostrecent",
        )
        self._failing = Gauge(
            "click99_record_failing",
            "1 while the record can't be written to.",
            registry=self._registry,
            multiprocess_mode="mostrecent",
        )
        self._lost = Counter(
            "click99_record_lost", "Clicks not recorded: too many waited.", registry=self._registry
        )

        self._set_aside = Counter(
            "click99_record_set_aside",
            "Clicks and events that the record can't hold as they are; click99 doctor says where they are.",
            ["kind"],
            registry=self._registry,
        )

    def add(self, collector: Collector) -> None:
        """Figures that are read when they are asked for, and the same whichever process reads them."""
        self._registry.register(collector)
        self._collectors.append(collector)

    def serves(self, version: str, before: str | None = None) -> None:
        """New objects run on `version`, no more on `before`."""
        if before:
            self._served.labels(before).set(0)
        self._served.labels(version).set(1)

    def waiting(self, clicks: int, events: int) -> None:
        """How much waits to be recorded."""
        self._waiting.labels("click").set(clicks)
        self._waiting.labels("event").set(events)

    def failing(self, failing: bool) -> None:
        """Whether the record can't be written to."""
        self._failing.set(failing)

    def lost(self) -> None:
        """A click is not recorded."""
        self._lost.inc()

    def set_aside(self, kind: str) -> None:
        """A click or an event can't be recorded as it is."""
        self._set_aside.labels(kind).inc()

    def text(self) -> bytes:
        """All counters as Prometheus reads them."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)
        for collector in self._collectors:
            everyone.register(collector)
        return generate_latest(everyone)

"""What a server counts, in Prometheus' text format at /metrics."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

ACCEPT_CLICKS = (1, 2, 3, 5, 8, 13, 20, 40)
CLICK_SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One server's counters, in a registry of their own.

    With PROMETHEUS_MULTIPROC_DIR set before this module is imported, as `run_workers` does, `text` adds up
    what all processes counted there.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._collectors: list[Collector] = []
        self._count_clicks()
        self._count_versions()
        self._count_the_record()

    def _count_clicks(self) -> None:
        self._clicks = self._counter("clicks", "Clicks answered with a mask.")
        told = "Seconds from a decoded click to its mask."
        self._seconds = Histogram(
            "click99_click_seconds", told, buckets=CLICK_SECONDS, registry=self._registry
        )
        told = "Seconds of a click's stages: fetch, decode, queue, image, click, encode."
        self._stages = Histogram(
            "click99_stage_seconds", told, ["stage"], buckets=CLICK_SECONDS, registry=self._registry
        )
        told = "Requests that are being answered, or wait for the network."
        self.in_flight = Gauge(
            "click99_requests_in_flight", told, registry=self._registry, multiprocess_mode="livesum"
        )
        told = "Network steps run again because their mask was not kept any more."
        self._replayed = self._counter("replayed_steps", told)
        told = "Clicks that led to a mask, at its first saving."
        self.clicks_to_accept = Histogram(
            "click99_clicks_to_accept", told, buckets=ACCEPT_CLICKS, registry=self._registry
        )
        self.errors = self._counter("errors", "Failed requests.", "kind")
        self._cache_hits = self._counter("cache_hits", "Network steps found in the cache instead of run.")
        told = "Annotations submitted with a mask that nobody accepted; click99 recover restores them."
        self.unaccepted = self._counter("unaccepted", told)
        told = "Annotations saved with a mask twice under one id; click99 recover mends them."
        self.doubled = self._counter("doubled", told)
        told = "Clicks overtaken by newer ones before their mask was ready."
        self.superseded = self._counter("superseded", told)
        told = "Objects begun with a click, by what of the memory they used."
        self.begun = self._counter("objects_begun", told, "memory")
        self.redis_losses = self._counter("redis_losses", "Times that Redis stopped answering.")

    def _count_versions(self) -> None:
        told = "1 for the model version that new objects run on, 0 for those before it."
        self._served = self._gauge("model_served", told, "version")
        told = "Times that a promoted version could not be served."
        self.refused = self._counter("model_refusals", told)

    def _count_the_record(self) -> None:
        told = "Clicks and events that wait to be recorded."
        self._waiting = self._gauge("record_waiting", told, "kind")
        self._failing = self._gauge("record_failing", "1 while the record can't be written to.")
        self._lost = self._counter("record_lost", "Clicks not recorded: too many waited.")
        told = "Clicks and events that could not be read or recorded; click99 doctor says where they are."
        self._set_aside = self._counter("record_set_aside", told, "kind")

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"click99_{name}", told, labels, registry=self._registry)

    def _gauge(self, name: str, told: str, *labels: str) -> Gauge:
        """Of several workers', the newest value."""
        mode = {"registry": self._registry, "multiprocess_mode": "mostrecent"}
        return Gauge(f"click99_{name}", told, labels, **mode)

    def add(self, collector: Collector) -> None:
        """Figures that are read when they are asked for, and the same whichever process reads them."""
        self._registry.register(collector)
        self._collectors.append(collector)

    def serves(self, versions: Collection[str], before: str = "") -> None:
        """New objects run on `versions`, no more on `before` unless it is one of them."""
        for version in filter(None, (before, *versions)):
            self._served.labels(version).set(version in versions)

    def answered(self, seconds: float, stages: Mapping[str, float]) -> None:
        """A click is, in so many seconds from its decoding on."""
        self._clicks.inc()
        self._seconds.observe(seconds)
        for stage, spent in stages.items():
            self._stages.labels(stage).observe(spent)

    def steps(self, found: int, run: int) -> None:
        """Network steps of a request; all that run but the newest click's are replays."""
        self._cache_hits.inc(found)
        self._replayed.inc(max(0, run - 1))

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

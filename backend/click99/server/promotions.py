"""A running server goes where the registry's pointers go: the common one, and those of projects' lines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from click99.registry.shared import StorageError
from click99.registry.versions import Registry, RegistryError
from click99.server.models import load_version
from click99.server.poller import Poller
from click99.server.service import Service
from click99.server.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # between looks at the pointer's file
PULL_SECONDS = 5.0  # between those at a registry that machines share
RETRY_SECONDS = 60.0  # until a version that was refused is tried again


class Follower(Poller):
    """Loads and tries what the pointer newly names, in a thread of its own, and hands it to the service.

    What can't be served is refused: logged, counted, tried again when the pointer is moved or after a minute;
    the service goes on with what it has.
    """

    def __init__(self, settings: Settings, service: Service, clock: Callable[[], float] = time.monotonic):
        self._settings, self._service, self._clock = settings, service, clock
        self._registry = Registry.at(settings.home, settings.registry_url)
        self._seen: dict[str, object] = {}  # each line's pointer's file, when it was looked at last
        self._again_at: dict[str, float] = {}  # of those that were refused
        self._pull_at = float("-inf")
        self._is_away = False
        super().__init__("follow", LOOK_SECONDS, "Promotions are not followed")

    def start(self) -> None:
        """Follow, unless the server is pinned to a checkpoint. Before the first click comes, each line is
        where its pointer is."""
        if self._settings.model:
            log.info("Pinned to %s: promotions are not followed", self._settings.model)
            return
        for line in self._registry.lines():
            self._look_at(self._registry.of_line(line))
        super().start()

    def look(self) -> None:
        """Go to where the pointers are if they were moved since the last look."""
        if self._clock() >= self._pull_at:
            self._pull()
            self._pull_at = self._clock() + PULL_SECONDS
        for line in ("", *self._registry.lines()):
            self._look_at(self._registry.of_line(line))

    def _look_at(self, registry: Registry) -> None:
        line, stamp = registry.line, registry.stamp()
        if stamp == self._seen.get(line) and self._clock() < self._again_at.get(line, float("inf")):
            return
        self._seen[line] = stamp
        self._again_at.pop(line, None)
        try:
            self._follow(registry)
        except Exception as error:
            expected = isinstance(error, RegistryError | OSError)
            version = self._service.version_of(line)
            log.error("Refused: %s. %s goes on", error, version, exc_info=not expected)
            self._service.metrics.refused.inc()
            self._again_at[line] = self._clock() + RETRY_SECONDS

    def _pull(self) -> None:
        """While a shared registry is away, what was known of it holds."""
        try:
            self._registry.pull()
        except StorageError as error:
            if not self._is_away:
                log.warning("%s. Until then %s goes on", error, self._service.version)
            self._is_away = True
        else:
            if self._is_away:
                log.info("The shared registry answers again")
            self._is_away = False

    def _follow(self, registry: Registry) -> None:
        version = registry.served()
        if version is None or version.name == self._service.version_of(registry.line):
            return
        self._service.use(load_version(version, self._settings), registry.line)
        move = registry.pointer().moves[-1]
        if move.version == version.name:
            log.log(logging.WARNING if move.by == "watch" else logging.INFO, "Why: %s", move.why)
        if page := version.facts.get("page"):
            log.info("What it bought: %s", page)

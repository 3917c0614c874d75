"""What begins a look at a promoted version: enough images annotated with it; and the figures of the watch."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from click99.annotations.database import Database
from click99.annotations.saved_masks import images_clicked_with
from click99.registry.check import RegistryError
from click99.registry.jobs import WATCH, BusyError, Jobs
from click99.registry.versions import Decider, Registry
from click99.registry.watched import IMAGES, WatchedVersion, note, watched
from click99.server.poller import Poller
from click99.server.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0  # between counts of the images


class Watching(Poller, Collector):
    """Has the version that the gate promoted judged by every IMAGES that are annotated with it, in a process
    of its own at low priority, as fine-tunes are. Any of several workers may: one job runs at a time."""

    def __init__(self, settings: Settings, database: Database, jobs: Jobs | None = None):
        """database: the record."""
        self._settings, self._database = settings, database
        self.jobs = jobs or Jobs.at(settings.home, WATCH, "watch")
        self._registry = Registry.at(settings.home, settings.registry_url)
        super().__init__("watch", LOOK_SECONDS, "What was promoted is not watched")

    def look(self) -> None:
        """Begin a look if there are enough new images."""
        if self._settings.model or self.jobs.running():
            return
        try:
            if now := watched(self._registry):
                self._begin(now)
        except RegistryError as error:
            log.warning("What was promoted is not watched: %s", error)

    def _begin(self, now: WatchedVersion) -> None:
        """The images are noted before, so that a look that fails does not begin again each minute."""
        annotated = self._annotated(now)
        if annotated - now.counted < IMAGES:
            return
        name = now.version.name
        note(self._registry, name, counted=annotated)
        variables = os.environ | self._settings.environment
        variables.pop("PROMETHEUS_MULTIPROC_DIR", None)  # its counters are not the server's
        try:
            number = self.jobs.start(f"{IMAGES} images annotated with {name}", (), variables).number
        except BusyError:  # another worker's
            return
        log.info("Job %d is begun: %d new images judge %s", number, annotated - now.counted, name)

    def collect(self) -> Iterator[Metric]:
        """How many images the next look has, and who moved the pointer."""
        try:
            pointer = self._registry.pointer()
            now = None if self._settings.model else watched(self._registry)
            waiting = max(0, self._annotated(now) - now.counted) if now else 0
        except (RegistryError, SQLAlchemyError, OSError) as error:
            log.warning("Nothing is known of the watch: %s", error)
            return
        told = f"Images annotated with the watched version since the last look; {IMAGES} begin the next."
        images = GaugeMetricFamily("click99_model_watch_images", told, labels=["version"])
        if now:
            images.add_metric([now.version.name], waiting)
        yield images
        told = "Promotions and rollbacks, by who decided them."
        moves = CounterMetricFamily("click99_model_moves", told, labels=["by"])
        counts = Counter(move.by for move in pointer.moves)
        for decider in get_args(Decider):
            moves.add_metric([decider], counts[decider])
        yield moves

    def _annotated(self, now: WatchedVersion) -> int:
        with self._database.reading() as session:
            return images_clicked_with(session, now.version.name)

"""What begins a look at a promoted version, or a challenger's trial: enough images annotated with it, or
since; and the figures of both."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from click99.annotations.database import Database
from click99.annotations.saved_masks import images_clicked_with, tasks_saved
from click99.registry.check import RegistryError
from click99.registry.gate_facts import TRIAL_IMAGES, challenger, trial_facts
from click99.registry.jobs import WATCH, BusyError, Jobs
from click99.registry.lines import lines_of, taught_by
from click99.registry.versions import Decider, Registry, Version
from click99.registry.watched import IMAGES, WatchedVersion, note, watched
from click99.server.poller import Poller
from click99.server.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0  # between counts of the images


class Watching(Poller, Collector):
    """Has the version that the gate promoted judged by every IMAGES that are annotated with it, and who
    challenges it by every TRIAL_IMAGES, in a process of its own at low priority, as fine-tunes are; for each
    line. Any of several workers may: one job runs at a time."""

    def __init__(self, settings: Settings, database: Database, jobs: Jobs | None = None):
        """database: the record."""
        self._settings, self._database = settings, database
        self.jobs = jobs or Jobs.at(settings.home, WATCH, "watch")
        self._registry = Registry.at(settings.home, settings.registry_url)
        super().__init__("watch", LOOK_SECONDS, "What was promoted is not watched")

    def look(self) -> None:
        """Begin a look or a trial if there are enough new images."""
        if self._settings.model or self.jobs.running():
            return
        try:
            for line in lines_of(self._registry):
                if why := self._due(line):
                    return self._begin(why, taught_by(line, self._settings.lines))
        except RegistryError as error:
            log.warning("What was promoted is not watched: %s", error)

    def _due(self, line: Registry) -> str:
        """Why a look or a trial is, "" if none is. The images are noted, so that one that fails does not
        begin again each minute."""
        if (now := watched(line)) and (annotated := self._annotated(now)) - now.counted >= IMAGES:
            note(line, now.version.name, counted=annotated)
            return f"{IMAGES} images annotated with {now.version.name}"
        if trial := self._trial(line):
            version, there, counted = trial
            if counted is None or there - counted >= TRIAL_IMAGES:
                line.add_facts(version.name, trial={"counted": there})
            if counted is not None and there - counted >= TRIAL_IMAGES:
                return f"{TRIAL_IMAGES} images annotated since {version.name} challenges"
        return ""

    def _begin(self, why: str, projects: str) -> None:
        with suppress(BusyError):  # another worker's
            number = self.jobs.start(why, (), self._settings.environment, projects).number
            log.info("Job %d is begun: %s", number, why)

    def collect(self) -> Iterator[Metric]:
        """How many images the next look has, and who moved the pointer."""
        try:
            lines = lines_of(self._registry)
            moves = Counter(move.by for line in lines for move in line.pointer().moves)
            waiting = {} if self._settings.model else dict(self._waiting(lines))
            trying = {} if self._settings.model else dict(self._trying(lines))
        except (RegistryError, SQLAlchemyError, OSError) as error:
            log.warning("Nothing is known of the watch: %s", error)
            return
        told = f"Images annotated with the watched version since the last look; {IMAGES} begin the next."
        images = GaugeMetricFamily("click99_model_watch_images", told, labels=["version"])
        for version, count in waiting.items():
            images.add_metric([version], count)
        yield images
        told = f"Images annotated since the challenger was judged last; {TRIAL_IMAGES} begin its next trial."
        images = GaugeMetricFamily("click99_model_challenger_images", told, labels=["version"])
        for version, count in trying.items():
            images.add_metric([version], count)
        yield images
        told = "Promotions and rollbacks, by who decided them."
        moved = CounterMetricFamily("click99_model_moves", told, labels=["by"])
        for decider in get_args(Decider):
            moved.add_metric([decider], moves[decider])
        yield moved

    def _waiting(self, lines: Iterable[Registry]) -> Iterator[tuple[str, int]]:
        """What is watched, and how many images its next look has."""
        for now in filter(None, map(watched, lines)):
            yield now.version.name, max(0, self._annotated(now) - now.counted)

    def _trying(self, lines: Iterable[Registry]) -> Iterator[tuple[str, int]]:
        """What challenges, and how many images its next trial has."""
        for line in lines:
            if trial := self._trial(line):
                version, there, counted = trial
                yield version.name, 0 if counted is None else max(0, there - counted)

    def _trial(self, line: Registry) -> tuple[Version, int, int | None] | None:
        """Who challenges in a line, how many images are annotated there, and how many were when its last
        trial began, or when it was seen first (None: not yet)."""
        if (version := challenger(line, line.chosen())) is None:
            return None
        with self._database.reading() as session:
            there = tasks_saved(session, taught_by(line, self._settings.lines))
        counted = trial_facts(version).get("counted")
        return version, there, counted if isinstance(counted, int) else None

    def _annotated(self, now: WatchedVersion) -> int:
        with self._database.reading() as session:
            return images_clicked_with(session, now.version.name)

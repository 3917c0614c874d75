"""What first clicks profit from, and the thread that learns it from accepted masks."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from prometheus_client import Counter
from sqlalchemy import func, select

from click99.annotations.database import Database
from click99.annotations.saved_masks import projects
from click99.annotations.schedule import claim, hold
from click99.annotations.tables import EventRow
from click99.labelstudio.images import Image
from click99.labelstudio.prompts import Question
from click99.memory.learner import Learner
from click99.memory.memories import Memories
from click99.segmentation.prior import UNKNOWN, Prior
from click99.server.poller import Poller
from click99.server.settings import Settings
from click99.sessions import ObjectVersions

LOOK_SECONDS = 3.0
ANYWAY_SECONDS = 30.0  # between looks for masks though no event came: commands change the record, too
QUIET_SECONDS = 0.5  # since the last click, before a mask is learnt from
NICE = 15  # of the thread that learns


class Recall:
    """What may be used at a first click, as CLICK99_MEMORY says."""

    def __init__(self, settings: Settings, memories: Memories | None, begun: Counter):
        """begun: counts the objects, by what they use."""
        self._memory, self._memories, self._begun = settings.memory, memories, begun

    def __call__(self, question: Question, areas: Callable[[], tuple[int, ...]]) -> Prior:
        """areas: asked for those of its picture's other regions."""
        prior = self._prior(question, areas) if self._memory != "off" else UNKNOWN
        used = "map" if prior.discriminant else "size" if prior.areas else "none"
        self._begun.labels(used).inc()
        return prior

    def _prior(self, question: Question, areas: Callable[[], tuple[int, ...]]) -> Prior:
        if self._memory == "picture" or self._memories is None:
            return Prior(areas())
        label = ", ".join(question.labels())
        return self._memories.prior(question.request.project or "", label, question.shape, areas())


class Remembering(Poller):
    """Learns in the background what was accepted since; of several workers, one does.

    versions: what answers each project. image: a picture by its address and task. clicked: when a click was
    answered last, by `time.monotonic`.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        memories: Memories,
        versions: ObjectVersions,
        image: Callable[[str, str], Image],
        clicked: Callable[[], float],
    ):
        super().__init__("memory", LOOK_SECONDS, "Nothing is learnt from accepted masks")
        self._on = settings.memory == "project"
        self._database, self._memories, self._clicked = database, memories, clicked
        self._versions = versions
        self._learner = Learner(database, memories, image, self._pause)
        self._seen: tuple[datetime | None, frozenset[str]] | None = None
        self._looked_at = -ANYWAY_SECONDS

    def start(self) -> None:
        if self._on:
            super().start()

    def look(self) -> None:
        """Learn, if anything came since the last look. Errors: the database's."""
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        with self._database.reading() as session:
            answered = self._by_version(projects(session))
            seen = session.scalar(select(func.max(EventRow.received_at))), frozenset(answered)
        if seen != self._seen or time.monotonic() - self._looked_at > ANYWAY_SECONDS:
            self._looked_at = time.monotonic()
            with self._database.writing() as session:
                mine = claim(session, "memory", timedelta(seconds=LOOK_SECONDS), datetime.now(UTC))
            for version, answers in answered.items():
                if mine:
                    self._learner.catch_up(self._versions.of(answers[0]), answers)
                    self._seen = seen
                self._memories.refresh(version, answers)

    def _by_version(self, saved_in: Iterable[str]) -> dict[str, list[str]]:
        """The projects that each model version answers."""
        found: dict[str, list[str]] = {}
        for project in saved_in:
            found.setdefault(self._versions.version_of(project), []).append(project)
        return found

    def _pause(self) -> bool:
        """Wait until nobody clicks. Whether to go on."""
        while time.monotonic() - self._clicked() < QUIET_SECONDS:
            if self._stop.wait(QUIET_SECONDS):
                return False
        with self._database.writing() as session:
            hold(session, "memory", datetime.now(UTC))
        return not self._stop.is_set()

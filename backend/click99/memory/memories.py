"""The memories that clicks use: read by many threads at once, replaced whole when more was learnt."""

from __future__ import annotations

import threading
from collections.abc import Collection

from cachetools import LRUCache

from click99.annotations.database import Database
from click99.memory.lessons import Stamp, lessons_of, stamps
from click99.memory.memory import Memory
from click99.segmentation.prior import Prior

LABELS = 1000  # whose memories are held


class Memories:
    """By project and label, of the model version that answers the project. Thread-safe.

    A click never waits for the database: what is not here yet counts as nothing.
    """

    def __init__(self, database: Database):
        self._database = database
        self._lock = threading.Lock()
        self._held: LRUCache[tuple[str, str], tuple[Stamp, Memory]] = LRUCache(LABELS)

    def prior(self, project: str, label: str, shape: tuple[int, int], areas: tuple[int, ...]) -> Prior:
        """For a first click; see `Memory.prior`."""
        with self._lock:
            _, memory = self._held.get((project, label), (None, None))
        if memory is None:
            return Prior(areas)
        return memory.prior(shape, memory.choice, areas)

    def refresh(self, version: str, projects: Collection[str] | None = None) -> None:
        """Read what a model version has learnt since, in this process or another. The database's errors.

        projects: those that it answers; None: all.
        """
        with self._database.reading() as session:
            found = stamps(session, version, LABELS)
        if projects is not None:
            found = {key: stamp for key, stamp in found.items() if key[0] in projects}
        with self._lock:
            held = {
                key: stamp for key, (stamp, _) in self._held.items() if projects is None or key[0] in projects
            }
            for key in held.keys() - found.keys():
                del self._held[key]
        for key in [key for key, stamp in found.items() if held.get(key) != stamp]:
            self._read(key, found[key])

    def _read(self, key: tuple[str, str], stamp: Stamp) -> None:
        with self._database.reading() as session:
            memory = Memory.of(lessons_of(session, *key, stamp.version))
        with self._lock:
            self._held[key] = stamp, memory

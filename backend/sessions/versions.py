"""Which model version an object runs on: the one that answered its first click, until it is done."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from backend.sessions.refiner import Refiner
from backend.sessions.stores import Store

log = logging.getLogger(__name__)

LOADED = 2  # older versions in memory


class Versions:
    """The current version, and older ones for the objects that were begun with them.

    A click remembers the version that answered it, and an object is known by any of its clicks. An accepted
    mask has no clicks any more: refining it is done by the current version, from that mask.
    """

    def __init__(
        self, current: Refiner, store: Store, load: Callable[[str], Refiner | None] = lambda version: None
    ):
        """load: an older version by its name, None when it is gone."""
        self.current = current
        self._store = store
        self._load = load
        self._lock = threading.Lock()
        self._older: dict[str, Refiner | None] = {}  # the one used last at the end

    def of(self, clicks: Iterable[str]) -> Refiner:
        """The version for the object with these clicks' ids."""
        for click in clicks:
            if version := self._store.get(f"version of {click}"):
                return self._named(version.decode())
        return self.current

    def keep(self, click: str, version: str) -> None:
        """The click with this id was answered by `version`."""
        self._store.put(f"version of {click}", version.encode())

    def _named(self, version: str) -> Refiner:
        if version == self.current.version:
            return self.current
        with self._lock:
            older = self._older.pop(version) if version in self._older else self._load_older(version)
            self._older[version] = older
            if len(self._older) > LOADED:
                del self._older[next(iter(self._older))]
        return older or self.current

    def _load_older(self, version: str) -> Refiner | None:
        older = self._load(version)
        if older:
            log.info("Objects begun with %s are finished with it", version)
        else:
            log.warning("%s is gone: objects begun with it go on with %s", version, self.current.version)
        return older

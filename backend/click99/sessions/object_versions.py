"""Which model version an object runs on: the one that answered its first click, until it is done."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence

from cachetools import LRUCache

from click99.sessions.refiner import Refiner
from click99.sessions.stores import Store

log = logging.getLogger(__name__)

LOADED = 4  # versions in memory besides the current one


class ObjectVersions:
    """The current version, those of projects that follow a line of their own, and older ones for the objects
    that were begun with them. Thread-safe.

    A click remembers the version that answers it, and an object is known by any of its clicks. A mask that
    clicks start from brings none: refining it is done by the current version.
    """

    def __init__(
        self,
        current: Refiner,
        store: Store,
        load: Callable[[str], Refiner | None] = lambda version: None,
        line_of: Callable[[str], str] = lambda project: project,
    ):
        """load: a version by its name, None when it is gone. line_of: what a project's line is called, if it
        has one."""
        self.current = current
        self._store, self._load, self._line_of = store, load, line_of
        self._lines: dict[str, str] = {}  # line -> version
        self._beginning = threading.Lock()
        self._lock = threading.Lock()
        self._loaded: LRUCache[str, Refiner | None] = LRUCache(LOADED)

    def use(self, refiner: Refiner, line: str = "") -> None:
        """From now on it is the current one, or that of a line; the one until now finishes what was begun
        with it."""
        with self._lock:
            if line:
                self._loaded[refiner.version] = refiner
                self._lines[line] = refiner.version
                return
            self._loaded.pop(refiner.version, None)
            self._loaded[self.current.version] = self.current
            self.current = refiner

    @property
    def lines(self) -> dict[str, str]:
        """What new objects of each line run on; of the common one, "", and of lines that it lacks, the
        current version."""
        return {"": self.current.version, **self._lines}

    def version_of(self, project: str) -> str:
        """What new objects of a project, as the record calls it, run on."""
        return self._lines.get(self._line_of(project), self.current.version)

    def of(self, project: str) -> Refiner:
        """The same."""
        return self._named(self.version_of(project))

    def begin(self, clicks: Sequence[str], project: str = "") -> Refiner:
        """The version for the object with these clicks' ids, noted at once for the last of them.

        So two requests about a new object get the same version, even while another one becomes current.
        """
        with self._beginning:
            version = self._kept(clicks) or self.version_of(project)
            self._keep(clicks[-1], version)
        refiner = self._named(version)
        if refiner.version != version:  # it is gone: the object is the current one's now, and stays so
            for click in clicks:
                self._keep(click, refiner.version)
        return refiner

    def _keep(self, click: str, version: str) -> None:
        self._store.put(f"version of {click}", version.encode())

    def _kept(self, clicks: Iterable[str]) -> str | None:
        for click in clicks:
            if version := self._store.get(f"version of {click}"):
                return version.decode(errors="replace")  # damaged: a version that there is not
        return None

    def _named(self, version: str) -> Refiner:
        current = self.current
        if version == current.version:
            return current
        with self._lock:
            if version == self.current.version:
                return self.current
            if version not in self._loaded:
                self._loaded[version] = self._load_again(version)
            return self._loaded[version] or self.current

    def _load_again(self, version: str) -> Refiner | None:
        loaded = self._load(version)
        if loaded and version in self._lines.values():
            log.info("%s is in memory again", version)
        elif loaded:
            log.info("Objects begun with %s are finished with it", version)
        else:
            log.warning("%s is gone: objects begun with it go on with %s", version, self.current.version)
        return loaded

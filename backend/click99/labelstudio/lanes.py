"""Downloads at the same time: a few for each host, in threads of their own."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable

LANES = 4  # threads a host: slow hosts hold up nobody but their own


class Lanes:
    """Thread-safe. A host's threads end when nothing waits for it; none keeps the process from its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[object, deque[Callable[[], None]]] = defaultdict(deque)
        self._busy: Counter[object] = Counter()

    def put(self, host: object, job: Callable[[], None]) -> None:
        """Run the job, which raises nothing, when it is its turn among those for that host."""
        with self._lock:
            self._waiting[host].append(job)
            more = self._busy[host] < LANES
            self._busy[host] += more
        if more:
            threading.Thread(target=self._work, args=(host,), name="fetch", daemon=True).start()

    def _work(self, host: object) -> None:
        while job := self._next(host):
            job()

    def _next(self, host: object) -> Callable[[], None] | None:
        with self._lock:
            if waiting := self._waiting.get(host):
                return waiting.popleft()
            self._busy[host] -= 1
            if not self._busy[host]:
                del self._busy[host], self._waiting[host]
            return None

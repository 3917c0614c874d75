"""Where masks are kept between clicks. A store is a cache: whatever it forgets is computed again.

Values are bytes: their keys say all that is needed to read them.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol


class Store(Protocol):
    """Three verbs; all may be called from any thread."""

    def get(self, key: str) -> bytes | None:
        """What is kept under `key`; None when unknown or forgotten."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key`."""
        ...

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        """Keep `change` of what is kept under `key`, without anyone coming between."""
        ...


class MemoryStore:
    """The most recently used values, within a number of bytes and an age.

    The newest is always kept, however large, so that the next click finds its previous one.
    """

    def __init__(self, max_bytes: int, max_age_s: float, clock: Callable[[], float] = time.monotonic):
        self.max_bytes = max_bytes
        self.max_age_s = max_age_s
        self._clock = clock
        self._lock = threading.RLock()
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()  # least recently used first
        self._bytes = 0

    def get(self, key: str) -> bytes | None:
        with self._lock:
            self._forget_old()
            if key not in self._entries:
                return None
            value = self._pop(key)
            self._add(key, value)
            return value

    def put(self, key: str, value: bytes) -> None:
        with self._lock:
            self._forget_old()
            if key in self._entries:
                self._pop(key)
            self._add(key, value)
            while self._bytes > self.max_bytes and len(self._entries) > 1:
                self._pop(next(iter(self._entries)))

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        with self._lock:
            self.put(key, change(self.get(key)))

    def _add(self, key: str, value: bytes) -> None:
        self._entries[key] = (self._clock(), value)
        self._bytes += len(value)

    def _pop(self, key: str) -> bytes:
        _, value = self._entries.pop(key)
        self._bytes -= len(value)
        return value

    def _forget_old(self) -> None:
        oldest_allowed = self._clock() - self.max_age_s
        while self._entries:
            key, (used, _) = next(iter(self._entries.items()))
            if used >= oldest_allowed:
                return
            self._pop(key)

"""Where masks are kept between clicks. A store is a cache: whatever it forgets is computed again."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import numpy as np


class Store(Protocol):
    """Two verbs; both may be called from any thread."""

    def get(self, key: str) -> np.ndarray | None:
        """The array kept under `key`, not to be written to; None when unknown or forgotten."""
        ...

    def put(self, key: str, mask: np.ndarray) -> None:
        """Keep `mask` under `key`; the caller no longer writes to it."""
        ...


class MemoryStore:
    """The most recently used masks, within a number of bytes and an age.

    The newest mask is always kept, however large, so that the next click finds its previous one.
    """

    def __init__(self, max_bytes: int, max_age_s: float, clock: Callable[[], float] = time.monotonic):
        self.max_bytes = max_bytes
        self.max_age_s = max_age_s
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, np.ndarray]] = OrderedDict()  # least recently used first
        self._bytes = 0

    def get(self, key: str) -> np.ndarray | None:
        with self._lock:
            self._forget_old()
            if key not in self._entries:
                return None
            mask = self._pop(key)
            self._add(key, mask)
            return mask

    def put(self, key: str, mask: np.ndarray) -> None:
        with self._lock:
            self._forget_old()
            if key in self._entries:
                self._pop(key)
            self._add(key, mask)
            while self._bytes > self.max_bytes and len(self._entries) > 1:
                self._pop(next(iter(self._entries)))

    def _add(self, key: str, mask: np.ndarray) -> None:
        self._entries[key] = (self._clock(), mask)
        self._bytes += mask.nbytes

    def _pop(self, key: str) -> np.ndarray:
        _, mask = self._entries.pop(key)
        self._bytes -= mask.nbytes
        return mask

    def _forget_old(self) -> None:
        oldest_allowed = self._clock() - self.max_age_s
        while self._entries:
            key, (used, _) = next(iter(self._entries.items()))
            if used >= oldest_allowed:
                return
            self._pop(key)

"""What is kept between clicks, and where. A store is a cache: whatever it forgets is computed again.

Values are bytes: their keys say all that is needed to read them.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from cachetools import TTLCache


class State(NamedTuple):
    """An object after one of its clicks.

    alpha: uint8 [H, W], alpha · 255, read-only. quality: IoU · 255 that the network expects of it.
    """

    alpha: np.ndarray
    quality: int

    @classmethod
    def of(cls, alpha: np.ndarray, quality: float) -> State:
        """quality: 0…1."""
        alpha.flags.writeable = False
        return cls(alpha, round(255 * min(max(quality, 0.0), 1.0)))

    def pack(self) -> bytes:
        """A byte a pixel, and the last for the quality."""
        return self.alpha.tobytes() + bytes([self.quality])

    @classmethod
    def unpack(cls, value: bytes | None, shape: tuple[int, ...]) -> State | None:
        """None: nothing was kept, or what was is damaged. shape: [H, W]."""
        if value is None or len(value) != math.prod(shape) + 1:
            return None
        return cls(np.frombuffer(value, np.uint8, math.prod(shape)).reshape(shape), value[-1])


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
        def room(value: bytes) -> int:
            return min(len(value), max_bytes)

        self._lock = threading.RLock()
        self._kept: TTLCache[str, bytes, float] = TTLCache(max_bytes, max_age_s, clock, room)

    def get(self, key: str) -> bytes | None:
        with self._lock:
            value = self._kept.get(key)
            if value is not None:
                self._kept[key] = value  # its age begins anew
            return value

    def put(self, key: str, value: bytes) -> None:
        with self._lock:
            self._kept[key] = value

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        with self._lock:
            self.put(key, change(self.get(key)))

"""Memory that several threads share out, so that large pictures come one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """So many bytes. Thread-safe; must not be taken from twice by one thread."""

    def __init__(self, total: int) -> None:
        self._total, self._free = total, total
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, amount: int) -> Iterator[None]:
        """Wait until there is room; what is larger than the budget has all of it to itself."""
        amount = min(amount, self._total)
        with self._changed:
            self._changed.wait_for(lambda: amount <= self._free)
            self._free -= amount
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()

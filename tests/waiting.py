"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable

SOON, SELDOM = 0.02, 0.5  # seconds between two looks


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Looks less often the longer it takes, since looking takes what is waited for the processor."""
    begun = time.monotonic()
    while not condition():
        waited = time.monotonic() - begun
        assert waited < seconds, "it did not come about"
        time.sleep(min(max(SOON, waited / 10), SELDOM))

"""Whose turn it is at the network, of those that answer clicks.

A pass of a stream uses every core, so theirs run one after the other. What learns or judges in the background
takes no turn: people would wait for its passes, which come last on the processor.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from click99.stages import stage

_pass = threading.Lock()
TAKES_TURNS: ContextVar[bool] = ContextVar("takes turns", default=False)  # of who asks a network


@contextmanager
def turn() -> Iterator[None]:
    """One pass of a stream."""
    if not TAKES_TURNS.get():
        yield
        return
    with stage("queue"):
        _pass.acquire()
    try:
        yield
    finally:
        _pass.release()

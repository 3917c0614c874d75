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
_takes_turns: ContextVar[bool] = ContextVar("takes_turns", default=False)


@contextmanager
def taking_turns() -> Iterator[None]:
    """What is asked of a network inside waits for others that take turns, and they for it."""
    token = _takes_turns.set(True)
    try:
        yield
    finally:
        _takes_turns.reset(token)


@contextmanager
def turn() -> Iterator[None]:
    """One pass of a stream."""
    if not _takes_turns.get():
        yield
        return
    with stage("queue"):
        _pass.acquire()
    try:
        yield
    finally:
        _pass.release()

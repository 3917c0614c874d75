"""What a fine-tune says while it runs, RUN/progress.json, and the wish to stop that it hears."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from click99.registry.files import write_json

SPANS = {"collecting": (0.0, 0.02), "training": (0.02, 0.85), "gate": (0.85, 1.0), "done": (1.0, 1.0)}
EVERY = 2.0  # seconds between two writes within a phase


class Stopped(Exception):  # noqa: N818  it is no error
    """Somebody wished the run to stop; what it has is saved, and the same command goes on."""


class News:
    """Writes where the run stands. Inside `with`, SIGTERM and Ctrl-C ask to stop at the next safe point."""

    def __init__(self, file: Path):
        self.file, self.asked_to_stop = file, False
        self.told: dict[str, Any] = {"phase": "", "candidate": None, "promoted": None}
        self.written = 0.0

    def tell(self, phase: str, share: float, seconds_left: float, message: str, **facts: Any) -> None:
        """Say where the run stands.

        share: of the phase, 0…1. seconds_left: of the phase, 0: not known. facts: candidate, promoted.
        """
        begin, end = SPANS[phase]
        changed = phase != self.told["phase"] or bool(facts)
        self.told |= {"phase": phase, "share": round(begin + min(1.0, share) * (end - begin), 4)}
        self.told |= {"seconds_left": round(seconds_left), "message": message, **facts}
        if changed or time.monotonic() - self.written >= EVERY:
            write_json(self.file, self.told)
            self.written = time.monotonic()

    def stop_if_asked(self) -> None:
        """Stopped, at a point where all is saved that there is."""
        if self.asked_to_stop:
            raise Stopped

    def __enter__(self) -> News:
        self.before = {}
        if threading.current_thread() is threading.main_thread():
            self.before = {one: signal.signal(one, self._ask) for one in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self.before.items():
            signal.signal(one, handler)

    def _ask(self, *_: object) -> None:
        self.asked_to_stop = True

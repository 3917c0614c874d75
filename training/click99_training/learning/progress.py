"""What a fine-tune says while it runs, RUN/progress.json, and the wish to stop that it hears."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from click99.files import write_json
from click99_training.loop.stop_request import StopRequest

SPANS = {"collecting": (0.0, 0.02), "training": (0.02, 0.85), "gate": (0.85, 1.0), "done": (1.0, 1.0)}
EVERY = 2.0  # seconds between two writes within a phase


class Progress(StopRequest):
    """Writes where the run stands."""

    def __init__(self, file: Path):
        self.file = file
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

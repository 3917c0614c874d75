"""What a fine-tune says while it runs, and the wish to stop that it hears.

RUN/progress.json is for programs, RUN/curves.html for people.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from click99.files import write_json
from click99_training.learning.run_page import write_page
from click99_training.loop.stop_request import StopRequest

SPANS = {
    "collecting": (0.0, 0.02),
    "training": (0.02, 0.8),
    "gate": (0.8, 1.0),
    "done": (1.0, 1.0),
    "refused": (1.0, 1.0),  # nothing could be learnt or decided
    "watching": (0.02, 1.0),  # instead of training
    "watched": (1.0, 1.0),
}
TITLES = {
    "collecting": "Collecting",
    "training": "Fine-tuning: Training",
    "gate": "Fine-tuning: Judging",
    "refused": "Fine-tuning: Not begun",
    "watching": "Watching what was promoted",
    "watched": "Watched",
}
EVERY, PAGE_EVERY = 2.0, 10.0  # seconds between two writes within a phase


class Progress(StopRequest):
    """Writes where the run stands."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.told: dict[str, Any] = {"phase": "", "candidate": None, "promoted": None}
        self.written = self.drawn = 0.0

    def tell(self, phase: str, share: float, seconds_left: float, message: str, **facts: Any) -> None:
        """Say where the run stands.

        share: of the phase, 0…1. seconds_left: of the phase, 0: not known. facts: candidate, promoted.
        """
        begin, end = SPANS[phase]
        changed = phase != self.told["phase"] or bool(facts)
        self.told |= {"phase": phase, "share": round(begin + min(1.0, share) * (end - begin), 4)}
        self.told |= {"seconds_left": round(seconds_left), "message": message, **facts}
        if changed or time.monotonic() - self.written >= EVERY:
            write_json(self.folder / "progress.json", self.told)
            self.written = time.monotonic()
        if changed or time.monotonic() - self.drawn >= PAGE_EVERY:
            self._draw()
            self.drawn = time.monotonic()

    def _draw(self) -> None:
        over = self.told["phase"] in ("done", "refused", "watched")
        title = "Promoted" if self.told["promoted"] else "Not promoted"
        if self.told["phase"] != "done":
            title = TITLES[self.told["phase"]]
            title += "" if over else f", {self.told['share']:.0%}"
        logs = sorted(self.folder.glob("fold-*/log.csv"))
        write_page(self.folder / "curves.html", title, self.told["message"], logs, over)

"""The newest refused request of each kind, for `click99 doctor`: Label Studio shows none to annotators."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import NamedTuple

from click99.files import replacing

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds between two notes of one kind
LONGEST = 500  # characters of a message


class Refusal(NamedTuple):
    """kind: its error's name. at: seconds since the epoch."""

    kind: str
    at: float
    message: str


class Refusals:
    """Files in CLICK99_HOME, one a kind, written over; any process may write or read them."""

    def __init__(self, home: Path):
        self._folder = home / "refused"
        self._noted: dict[str, float] = {}

    def note(self, error: Exception) -> None:
        """Keep it as the newest of its kind, unless one was kept within the last second."""
        kind, now = type(error).__name__, time.monotonic()
        if now - self._noted.get(kind, -PAUSE) < PAUSE:
            return
        self._noted[kind] = now
        try:
            with replacing(self._folder / kind, durable=False) as file:
                file.write(" ".join(str(error).split())[:LONGEST].encode(errors="replace"))
        except OSError as failed:
            log.warning("CLICK99_HOME: a refusal is not noted (%s)", failed)

    def since(self, at: float) -> list[Refusal]:
        """Those that are newer, the newest first."""
        found = (
            Refusal(file.name, file.stat().st_mtime, file.read_text(errors="replace"))
            for file in self._folder.glob("[!.]*")
        )
        return sorted((each for each in found if each.at >= at), key=lambda each: each.at, reverse=True)

"""Where events wait for the database: files, so that an event is safe before its sender is answered."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from click99.files import replacing


class Inbox:
    """A folder with a file per event. Any thread or process may use it; what is in it outlives them.

    It needs no database: a locked one neither delays nor loses an event.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def put(self, body: bytes) -> None:
        """On return the event is on the disk. OSError when it cannot be."""
        name = f"{time.time_ns():020}-{hashlib.sha256(body).hexdigest()[:16]}.json"
        with replacing(self.folder / name) as file:
            file.write(body)

    def __iter__(self) -> Iterator[Path]:
        """The events that wait, in the order in which they came."""
        return iter(sorted(self.folder.glob("*.json")))

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob("*.json"))


def received_at(file: Path) -> datetime:
    return datetime.fromtimestamp(int(file.name.partition("-")[0]) / 1e9, UTC)

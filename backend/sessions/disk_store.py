"""Little things that must outlive a restart although there is no Redis."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

TABLE = "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, used REAL NOT NULL, value BLOB NOT NULL)"
TOUCH = "REPLACE INTO kept SELECT key, ?, value FROM kept WHERE key = ? RETURNING value"
PUT = "REPLACE INTO kept VALUES (?, ?, ?)"
FORGET_OLD = "DELETE FROM kept WHERE used < ?"
FORGET_MOST = """DELETE FROM kept WHERE key IN (
  SELECT key FROM (SELECT key, SUM(LENGTH(value)) OVER (ORDER BY used DESC, rowid DESC) AS bytes,
                   ROW_NUMBER() OVER (ORDER BY used DESC, rowid DESC) AS place FROM kept)
  WHERE bytes > ? AND place > 1)"""


class DiskStore:
    """`MemoryStore`'s rules in a file that processes of one machine share. Any thread may call.

    A file that can't be used is logged once; nothing is kept then.
    """

    def __init__(
        self, file: Path, max_bytes: int, max_age_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._file, self.max_bytes, self.max_age_s, self._clock = file, max_bytes, max_age_s, clock
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None
        self._broken = False

    def get(self, key: str) -> bytes | None:
        now = self._clock()
        found = self._run([(FORGET_OLD, (now - self.max_age_s,)), (TOUCH, (now, key))])
        return found[0][0] if found else None

    def put(self, key: str, value: bytes) -> None:
        now = self._clock()
        forget = [(FORGET_OLD, (now - self.max_age_s,)), (FORGET_MOST, (self.max_bytes,))]
        self._run([(PUT, (key, now, value)), *forget])

    def _run(self, statements: list[tuple[str, tuple]]) -> list[tuple]:
        """The last one's rows; all of them together, or none."""
        try:
            rows: list[tuple] = []
            with self._lock, self._connection() as connection:
                for statement, values in statements:
                    rows = connection.execute(statement, values).fetchall()
                return rows
        except (sqlite3.Error, OSError) as error:
            if not self._broken:
                log.warning("CLICK99_HOME: %s can't be used (%s)", self._file, error)
            self._broken = True
            return []

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            opened = sqlite3.connect(self._file, timeout=5, check_same_thread=False)
            opened.execute("PRAGMA journal_mode = WAL")
            opened.execute("PRAGMA synchronous = OFF")  # losing it with the machine is no harm
            opened.execute(TABLE)
            self._opened = opened
        return self._opened

"""Little things that must outlive a restart although there is no Redis."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

log = logging.getLogger(__name__)

Result = TypeVar("Result")

TABLE = "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, used REAL NOT NULL, value BLOB NOT NULL)"
TOUCH = "REPLACE INTO kept SELECT key, ?, value FROM kept WHERE key = ? RETURNING value"
PUT = "REPLACE INTO kept VALUES (?, ?, ?)"
FORGET_OLD = "DELETE FROM kept WHERE used NOT BETWEEN ? AND ?"  # a clock may have been ahead once
FORGET_MOST = """DELETE FROM kept WHERE key IN (
  SELECT key FROM (SELECT key, SUM(LENGTH(value)) OVER (ORDER BY used DESC, rowid DESC) AS bytes,
                   ROW_NUMBER() OVER (ORDER BY used DESC, rowid DESC) AS place FROM kept)
  WHERE bytes > ? AND place > 1)"""


class DiskStore:
    """`MemoryStore`'s rules in a file that processes of one machine share. Any thread may call.

    A file that can't be used is logged once; nothing is kept then. A damaged one is made anew.
    """

    def __init__(
        self, file: Path, max_bytes: int, max_age_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._file, self.max_bytes, self.max_age_s, self._clock = file, max_bytes, max_age_s, clock
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None
        self._broken = False

    def get(self, key: str) -> bytes | None:
        return self._run(lambda connection: self._get(connection, key))

    def put(self, key: str, value: bytes) -> None:
        self.update(key, lambda _: value)

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        self._run(lambda connection: self._put(connection, key, change(self._get(connection, key))))

    def _get(self, connection: sqlite3.Connection, key: str) -> bytes | None:
        """Writes first, so that the file is this transaction's alone."""
        now = self._clock()
        connection.execute(FORGET_OLD, (now - self.max_age_s, now + self.max_age_s))
        found = connection.execute(TOUCH, (now, key)).fetchall()
        return found[0][0] if found and isinstance(found[0][0], bytes) else None

    def _put(self, connection: sqlite3.Connection, key: str, value: bytes) -> None:
        connection.execute(PUT, (key, self._clock(), value))
        connection.execute(FORGET_MOST, (self.max_bytes,))

    def _run(self, transaction: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """All of it or nothing; None as well when the file can't be used."""
        try:
            with self._lock, self._connection() as connection:
                return transaction(connection)
        except (sqlite3.Error, OSError) as error:
            if not self._broken:
                log.warning("CLICK99_HOME: %s can't be used (%s)", self._file, error)
            self._broken = True
            if type(error) is sqlite3.DatabaseError:  # damaged, or no database: the next one begins anew
                self._forget_all()
            return None

    def _forget_all(self) -> None:
        with self._lock, suppress(OSError):
            if self._opened is not None:
                self._opened.close()
            self._opened = None
            for end in ("", "-wal", "-shm"):
                self._file.with_name(self._file.name + end).unlink(missing_ok=True)

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            opened = sqlite3.connect(self._file, timeout=5, check_same_thread=False)
            with suppress(sqlite3.OperationalError):  # locked at once: another is switching to it right now
                opened.execute("PRAGMA journal_mode = WAL")
            opened.execute("PRAGMA synchronous = OFF")  # losing it with the machine is no harm
            opened.execute(TABLE)
            self._opened = opened
        return self._opened

"""The record's database: SQLite in a file, or PostgreSQL by its address."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    TimeoutError,
)
from sqlalchemy.orm import Session

from click99.annotations.tables import RecordRow
from click99.annotations.upgrades import Schema, SchemaError, read_schema
from click99.annotations.upgrades import upgrade as upgrade_schema
from click99.files import replacement

log = logging.getLogger(__name__)

BUSY_SECONDS = 5  # how long to wait for another process that writes
CONNECT_SECONDS = 10  # how long a PostgreSQL that does not answer is waited for
DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def sqlite_url(home: Path) -> str:
    """Where the record is unless a setting says otherwise."""
    return f"sqlite:///{home / 'click99.db'}"


class NoRecordError(ValueError):
    """There is none to read."""


class Database:
    """Transactions on the record. Thread-safe. Tables are made at the first use.

    Every error is one of SQLAlchemy's, SchemaError where a database must be upgraded or is too new; OSError
    when SQLite's folder cannot be made.
    """

    def __init__(self, url: str, busy_seconds: float = BUSY_SECONDS, upgrades: bool = True) -> None:
        """url: sqlite:///FILE or postgresql://user:password@host/database.

        upgrades: an older database, at the first use; else that is a SchemaError.
        """
        self._url, self._upgrades = make_url(url), upgrades
        self.engine = create(url, busy_seconds)
        self._lock = threading.Lock()
        self._prepared = False

    @property
    def name(self) -> str:
        """For messages: the address without its password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def is_missing(self) -> bool:
        """Whether it is an SQLite file that nobody has made yet."""
        file = self._url.database if self._url.get_backend_name() == "sqlite" else None
        return bool(file) and not Path(str(file)).exists()

    def existing(self) -> Database:
        """Itself, for what only reads, and so makes no record. NoRecordError where it is missing."""
        if self.is_missing:
            remedy = "Click, run click99 sync, or name the server's CLICK99_HOME (--home)"
            raise NoRecordError(f"{self._url.database}: there is no record. {remedy}")
        return self

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """All of what is done inside is kept, or nothing."""
        self.prepare()
        with Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent view, which blocks no writer."""
        self.prepare()
        with self.engine.connect().execution_options(reading=True) as connection:
            yield Session(connection)

    def close(self) -> None:
        """Used again, it connects anew, and looks at the schema anew."""
        self._prepared = False
        self.engine.dispose()

    def schema(self) -> Schema:
        """What is there; nothing is changed."""
        if self._url.get_backend_name() == "sqlite" and self._url.database:
            Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
        with self.engine.connect().execution_options(reading=True) as connection:
            return read_schema(connection)

    def prepare(self) -> None:
        """See that the tables are as they are needed: make them, or upgrade them if that is wanted."""
        with self._lock:
            if self._prepared:
                return
            schema = self.schema()
            if schema.state == "future" or (schema.state == "old" and not self._upgrades):
                raise SchemaError(schema.problem)
            if schema.state != "current":
                self.upgrade()
            self._prepared = True

    def upgrade(self) -> None:
        """Bring the schema to the newest revision; of an SQLite file that has an older one, a backup is kept.

        Servers that begin at once do it one after the other. SchemaError: it stays as it was.
        """
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(99)"))
            schema = read_schema(connection)  # another may have upgraded it while the lock was waited for
            if schema.state == "future":
                raise SchemaError(schema.problem)
            if schema.state == "old":
                log.warning("The record is upgraded to schema %s: %s", schema.needed, self.name)
                if connection.dialect.name == "sqlite":
                    back_up(Path(self._url.database or ""), schema.needed)
            if schema.state == "current":
                return
            try:
                upgrade_schema(connection)
            except Exception as error:
                raise SchemaError(f"not upgraded to schema {schema.needed}: {reason(error)}") from error


def back_up(file: Path, needed: str) -> Path:
    """Copy all that is committed, what is in the write-ahead log too, beside the file; it replaces no copy.

    needed: the revision that it is about to get, for the copy's name. SchemaError when it cannot be.
    """
    copy = file.with_name(f"{file.stem}-before-{needed}{file.suffix}")
    if copy.is_file():
        copy = copy.with_stem(f"{copy.stem}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")
    try:
        with (
            replacement(copy, file.stat().st_mode & 0o777) as unfinished,
            closing(sqlite3.connect(file)) as source,
            closing(sqlite3.connect(unfinished)) as target,
        ):
            source.backup(target)
    except (sqlite3.Error, OSError) as error:
        raise SchemaError(f"{file} is not upgraded: no backup in {copy} ({error}). Free its disk") from error
    return copy


def create(url: str, busy_seconds: float) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() in DRIVERS or parsed.drivername in DRIVERS:
        driver = DRIVERS.get(parsed.drivername, parsed.drivername)
        address, patience = parsed.set(drivername=driver), {"connect_timeout": CONNECT_SECONDS}
        return create_engine(address, pool_pre_ping=True, connect_args=patience)
    engine = create_engine(parsed, connect_args={"timeout": busy_seconds})
    event.listen(engine, "connect", _open)
    event.listen(engine, "begin", _begin)
    return engine


def _open(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below
    with suppress(sqlite3.OperationalError):  # locked, which does not wait: another begins the file right now
        connection.execute("PRAGMA journal_mode = WAL")  # readers and the writer do not wait for each other
    connection.execute("PRAGMA synchronous = FULL")  # what is committed outlives a power failure
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Any) -> None:
    """A writer takes its lock at once: one that began as a reader may not wait for it later."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def is_away(error: Exception) -> bool:
    """Whether the database takes nothing at all as it is now; otherwise what was written is at fault.

    Away is one that is gone, locked, full, damaged, or lacks a column.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, SchemaError | TimeoutError | OSError)
    code = getattr(error.orig, "sqlstate", None) or ""
    if isinstance(error, ProgrammingError):
        return code.startswith("42")  # no such column or table
    rejected = DataError | IntegrityError | InterfaceError | NotSupportedError
    too_large = code.startswith("54")  # for an index, say
    return error.connection_invalidated or not (isinstance(error, rejected) or too_large)


def reason(error: Exception) -> str:
    """What a database's error says, in one line, without the statement."""
    told = str(getattr(error, "orig", None) or error).strip() or repr(error)
    return told.splitlines()[0]


def insert_new(session: Session, table: type[RecordRow], values: Mapping[str, Any]) -> bool:
    """Add a row unless one with its primary key is there. Whether it was new."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    keys = [column.name for column in table.__table__.primary_key]  # pyright: ignore
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(getattr(table, keys[0]))
    return session.execute(statement).first() is not None

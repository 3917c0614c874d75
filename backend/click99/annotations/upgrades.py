"""The schema of a database: which revision it has, which one is needed, and the way there by Alembic.

A revision is a file in `migrations/versions`, numbered on. A database and a click99 that are one revision
apart work together, which is how several servers are upgraded one after the other; what a revision may
drop follows from that (docs/reference/record.md).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, Table, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateColumn

from click99.annotations.tables import RecordRow

MIGRATIONS = Path(__file__).parent / "migrations"
FIRST = "0001"  # databases that say nothing of a revision have this one
NEUTRAL = {str: "''", bytes: "''", int: "0", float: "0", bool: "false", datetime: "'1970-01-01 00:00:00'"}

SchemaState = Literal["new", "old", "current", "future"]

_alembic = threading.Lock()  # it keeps what it works on in globals


class SchemaError(SQLAlchemyError):
    """A database that this click99 cannot work on as it is."""


@dataclass(frozen=True)
class Schema:
    """What was found. revision: as it stands there, "" where none does. needed: this click99's. lacks: tables
    and columns that this click99 uses, as "clicks" or "clicks.box". exists: whether it has any table."""

    revision: str
    needed: str
    lacks: tuple[str, ...]
    exists: bool

    @property
    def state(self) -> SchemaState:
        """current: fit for use, the next revision too."""
        if not self.exists:
            return "new"
        if self._ahead > 1 or (self._ahead == 1 and self.lacks):
            return "future"
        return "old" if self._ahead < 0 or self.lacks else "current"

    @property
    def problem(self) -> str:
        """What is wrong and how to mend it; "" where nothing is."""
        match self.state:
            case "future":
                remedy = "Install that version, or restore a backup made before it was upgraded"
                return f"schema {self.revision} is a newer click99's, this one knows {self.needed}. {remedy}"
            case "old" if self._ahead < 0:
                return f"schema {self.revision or FIRST}, but {self.needed} is needed. Run click99 db upgrade"
            case "old":
                return f"it lacks {', '.join(self.lacks)}. Run click99 db upgrade"
        return ""

    def __str__(self) -> str:
        fine = f"schema {self.revision or FIRST} is fit for use" if self.exists else "no tables yet"
        return self.problem or fine

    @property
    def _ahead(self) -> int:
        """Revisions from the needed one to the database's; many where its name is none of ours."""
        found = self.revision or FIRST
        return int(found) - int(self.needed) if found.isdecimal() else 99


def read_schema(connection: Connection) -> Schema:
    tables = set(inspect(connection).get_table_names())
    stamped = "alembic_version" in tables
    revision = connection.scalar(text("SELECT version_num FROM alembic_version")) if stamped else None
    exists = stamped or not tables.isdisjoint(RecordRow.metadata.tables)
    needed = ScriptDirectory(str(MIGRATIONS)).get_current_head() or FIRST
    return Schema(revision or "", needed, tuple(map(str, lacking(connection, RecordRow.metadata))), exists)


def upgrade(connection: Connection) -> None:
    """Bring a database to the newest revision, whatever it has; all in the connection's transaction."""
    migrate(connection)
    complete(connection, RecordRow.metadata)


def migrate(connection: Connection) -> None:
    """Run the revisions that a database has not had, and nothing else."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with _alembic:
        command.upgrade(config, "head")


def complete(connection: Connection, metadata: MetaData) -> None:
    """Make what somebody dropped: tables, columns, indices. SchemaError when it is a part of a key."""
    metadata.create_all(connection)
    for column in lacking(connection, metadata):
        if isinstance(column, Column):
            _add(connection, column)
    for table in metadata.sorted_tables:
        for index in table.indexes:
            index.create(connection, checkfirst=True)


def lacking(connection: Connection, metadata: MetaData) -> Iterator[Table | Column]:
    """The tables that are not there, and the columns that the others lack."""
    there = inspect(connection).get_multi_columns()
    for table in metadata.sorted_tables:
        columns = {column["name"] for column in there.get((None, table.name), ())}
        yield from [column for column in table.columns if column.name not in columns] if columns else [table]


def _add(connection: Connection, column: Column) -> None:
    """Add a column that may not be empty with a neutral value for the rows that are there."""
    if column.primary_key:
        raise SchemaError(f"{column}, a part of the key, is gone. Restore a backup")
    kind = getattr(column.type, "impl_instance", column.type).python_type  # what is under our own types
    neutral = None if column.nullable else text(NEUTRAL[kind])
    alone = Column(column.name, column.type, nullable=column.nullable, server_default=neutral)
    Table(column.table.name, MetaData(), alone)
    definition = CreateColumn(alone).compile(dialect=connection.dialect)
    references = [f"REFERENCES {key.column.table.name} ({key.column.name})" for key in column.foreign_keys]
    added = " ".join([f"ALTER TABLE {column.table.name} ADD COLUMN", str(definition), *references])
    connection.exec_driver_sql(added)

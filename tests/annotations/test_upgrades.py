"""Upgrades of the record: from what the first click99 made, on both databases, and never half of one."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, select

from click99.annotations import answered_clicks, upgrades
from click99.annotations.database import Database, create
from click99.annotations.events import keep_event
from click99.annotations.migrations.versions.schema_0001 import METADATA
from click99.annotations.tables import ClickRow, RecordRow
from click99.annotations.upgrades import SchemaError
from tests.annotations.examples import NOON, answered_click, brush_item, saved
from tests.postgresql_server import PostgresqlServer

DUMPS = Path(__file__).parent / "dumps"
NEWEST = ScriptDirectory(str(upgrades.MIGRATIONS)).get_current_head() or ""
NEXT, AFTER_NEXT = (f"{int(NEWEST) + ahead:04}" for ahead in (1, 2))
COLUMN = "op.add_column('clicks', Column('note', String))"


def dump(database: Database) -> list[str]:
    """The statements that make what the first click99 made, with rows in every table."""
    kind = database.engine.dialect.name
    return (DUMPS / f"first.{kind}.sql").read_text().removesuffix(";\n").split(";\n")


def run(database: Database, *statements: str) -> None:
    """Without the schema being looked at."""
    with database.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.fixture
def postgresql_url(postgresql: PostgresqlServer) -> str:
    """Of a database of its own: the dump is of a whole one."""
    return postgresql.new_database()


@pytest.fixture
def first(database: Database) -> Database:
    """As the first click99 left it."""
    run(database, *dump(database))
    return database


def looked_at(database: Database, look: Callable[[Connection], Any]) -> Any:
    with database.engine.connect() as connection:
        return look(connection)


def rows(database: Database) -> dict[str, set[tuple]]:
    """All in the first click99's tables, by table."""

    def read(connection: Connection) -> dict[str, set[tuple]]:
        tables = {name: RecordRow.metadata.tables[name] for name in METADATA.tables}
        return {name: {tuple(row) for row in connection.execute(select(tables[name]))} for name in tables}

    return looked_at(database, read)


def columns(database: Database) -> set[str]:
    return looked_at(database, lambda c: {column["name"] for column in inspect(c).get_columns("clicks")})


def differences(database: Database) -> list[Any]:
    """Between the tables in the database and those of `tables.py`."""
    return looked_at(database, lambda c: compare_metadata(MigrationContext.configure(c), RecordRow.metadata))


@pytest.fixture
def revise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """revise(code): as if there were one revision more, which does that."""

    def revise(code: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(upgrades.MIGRATIONS, folder)
        head = "from alembic import op\nfrom sqlalchemy import Column, String\n"
        ids = f"revision, down_revision = '{NEXT}', '{NEWEST}'\n"
        body = f"def upgrade():\n    {code}\n"
        (folder / "versions" / f"schema_{NEXT}.py").write_text(head + ids + body)
        monkeypatch.setattr(upgrades, "MIGRATIONS", folder)

    return revise


def test_all_that_the_first_click99_kept_is_kept(first: Database):
    before = rows(first)
    assert all(before.values()), "the dump has rows in every table"
    first.prepare()
    assert rows(first) == before
    found = first.schema()
    assert (found.state, found.revision) == ("current", found.needed)
    assert differences(first) == []


@pytest.mark.parametrize("begun", ["new", "by the first click99"])
def test_the_revisions_alone_make_what_the_tables_say(database: Database, begun: str):
    """What is made anew because it is missing would hide a column that no revision adds."""
    if begun != "new":
        run(database, *dump(database))
    with database.engine.begin() as connection:
        upgrades.migrate(connection)
    assert differences(database) == []


def test_a_new_database_is_as_the_tables_say(database: Database):
    database.prepare()
    assert differences(database) == []
    assert database.schema().state == "current"


def test_the_first_revision_is_what_the_first_click99_made(first: Database):
    def tables(connection: Connection) -> dict[str, Any]:
        found = MetaData()
        found.reflect(connection)
        return {
            name: (
                {column.name: (str(column.type), column.nullable) for column in table.columns},
                [column.name for column in table.primary_key],
                {(key.parent.name, key.target_fullname) for key in table.foreign_keys},
                {(index.name, *index.columns.keys()) for index in table.indexes},
            )
            for name, table in found.tables.items()
        }

    made = looked_at(first, tables)
    with first.engine.begin() as connection:
        METADATA.drop_all(connection)
        assert not inspect(connection).get_table_names()
        METADATA.create_all(connection)
    assert looked_at(first, tables) == made


def test_a_server_of_the_version_before_goes_on_beside_a_new_one(
    database: Database, revise: Callable[[str], None]
):
    """Its rows fit into the tables of the next revision."""
    revise(COLUMN)
    database.prepare()
    assert "note" in columns(database)
    run(database, *(line for line in dump(database) if line.startswith("INSERT")))
    assert all(rows(database).values())


def test_a_server_that_starts_again_during_an_upgrade_works(first: Database, revise: Callable[[str], None]):
    old = upgrades.MIGRATIONS
    revise(COLUMN)
    first.upgrade()
    upgrades.MIGRATIONS = old  # undone by `revise`
    first.close()
    with first.writing() as session:
        keep_event(session, saved(brush_item(), minute=1), NOON)
    assert first.schema().state == "current"


@pytest.mark.parametrize("revision", [AFTER_NEXT, "2026_11", "ae1027a6acf"])
def test_a_database_from_the_future_is_refused(first: Database, revision: str):
    first.prepare()
    before = rows(first)
    run(first, f"UPDATE alembic_version SET version_num = '{revision}'")
    first.close()
    for use in (first.prepare, first.upgrade):
        with pytest.raises(SchemaError, match=f"{revision} is a newer click99's.*Install that version"):
            use()
    assert rows(first) == before


def test_without_leave_an_old_database_is_refused(first: Database):
    url = first.engine.url.render_as_string(hide_password=False)
    with closing(Database(url, upgrades=False)) as careful:
        needed = f"schema 0001, but {NEWEST} is needed. Run click99 db upgrade"
        with pytest.raises(SchemaError, match=needed):
            careful.prepare()
        careful.upgrade()
        careful.prepare()


LOST = [
    "ALTER TABLE clicks DROP COLUMN label",
    "ALTER TABLE clicks DROP COLUMN x",
    "ALTER TABLE clicks DROP COLUMN positive",
    "ALTER TABLE clicks DROP COLUMN asked_at",
    "ALTER TABLE clicks DROP COLUMN milliseconds",
    "ALTER TABLE events DROP COLUMN body",
    "DROP INDEX ix_clicks_region",
    "DROP TABLE schedule",
]


@pytest.mark.parametrize("stamped", [True, False])
def test_what_is_missing_is_made(first: Database, stamped: bool):
    if stamped:
        first.prepare()
        first.close()
    only_postgresql = ["ALTER TABLE regions DROP COLUMN mask"] * (first.engine.dialect.name == "postgresql")
    run(first, *LOST, *only_postgresql)
    assert ("clicks.label" if stamped else "schema 0001") in first.schema().problem
    first.prepare()
    assert differences(first) == []
    with first.writing() as session:
        answered_clicks.write(session, answered_click("z"))
        assert len(session.scalars(select(ClickRow)).all()) == 5


def test_a_key_that_is_gone_is_named(first: Database):
    run(first, "ALTER TABLE tasks RENAME COLUMN id TO number")
    with pytest.raises(SchemaError, match=r"tasks\.id, a part of the key, is gone"):
        first.prepare()


@pytest.mark.parametrize("fault", ["1 / 0", "op.execute('INSERT INTO nowhere VALUES (1)')"])
def test_an_upgrade_that_fails_changes_nothing(first: Database, revise: Callable[[str], None], fault: str):
    before = rows(first)
    revise(f"{COLUMN}; {fault}")
    with pytest.raises(SchemaError, match=f"not upgraded to schema {NEXT}"):
        first.prepare()
    assert rows(first) == before
    assert "note" not in columns(first)
    assert first.schema().revision == ""


STARTED = """
import sys, time
from pathlib import Path
from click99.annotations.database import Database
database, ready = Database(sys.argv[1], busy_seconds=60), Path(sys.argv[2])
ready.touch()
while not ready.with_name("go").exists():
    time.sleep(0.001)
database.prepare()
"""


@pytest.mark.slow("starts four processes")
@pytest.mark.parametrize("found", ["nothing", "the first", "a column missing"])
def test_servers_that_start_at_once_upgrade_one_after_the_other(
    database: Database, tmp_path: Path, found: str
):
    if found != "nothing":
        run(database, *dump(database))
    if found == "a column missing":
        run(database, "ALTER TABLE clicks DROP COLUMN label")
    url = database.engine.url.render_as_string(hide_password=False)
    started = [
        subprocess.Popen([sys.executable, "-c", STARTED, url, str(tmp_path / str(k))], stderr=subprocess.PIPE)
        for k in range(4)
    ]
    while not all((tmp_path / str(k)).exists() for k in range(4)):
        assert all(process.poll() is None for process in started)
        time.sleep(0.05)
    (tmp_path / "go").touch()
    errors = [process.communicate(timeout=120)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0] * 4, errors
    assert differences(database) == []


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """An SQLite record of the first click99, its rows still in the write-ahead log of a server that runs."""
    file = tmp_path / "click99.db"
    server = create(f"sqlite:///{file}", 5)
    database = Database(f"sqlite:///{file}")
    with server.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint = 0")
        for statement in dump(database):
            connection.exec_driver_sql(statement)
        connection.commit()
        yield file
    server.dispose()


def test_a_backup_is_kept_before_the_first_migration(file: Path, revise: Callable[[str], None]):
    database = Database(f"sqlite:///{file}")
    before = rows(database)
    revise(COLUMN)
    database.prepare()
    backup = file.with_name(f"click99-before-{NEXT}.db")
    assert rows(Database(f"sqlite:///{backup}")) == before
    with closing(sqlite3.connect(backup)) as connection:
        tables = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'clicks'").fetchone()[0]
    assert "note" not in tables
    assert [path.suffix for path in file.parent.glob("*.unfinished")] == []


def test_a_later_backup_replaces_none(file: Path):
    """A column that was lost is made again, which is an upgrade, too."""
    database = Database(f"sqlite:///{file}")
    before = rows(database)
    database.prepare()
    run(database, "ALTER TABLE clicks DROP COLUMN label")
    Database(f"sqlite:///{file}").prepare()
    first, second = sorted(file.parent.glob("*-before-*"), key=lambda copy: len(copy.name))
    assert rows(Database(f"sqlite:///{first}")) == before
    with closing(sqlite3.connect(second)) as connection:
        columns = {column[1] for column in connection.execute("PRAGMA table_info(clicks)")}
    assert columns == set(ClickRow.__table__.columns.keys()) - {"label"}


def test_no_upgrade_without_a_backup(file: Path, revise: Callable[[str], None]):
    revise(COLUMN)
    file.with_name(f"click99-before-{NEXT}.db").mkdir()
    with pytest.raises(SchemaError, match=f"is not upgraded: no backup in .*before-{NEXT}.db"):
        Database(f"sqlite:///{file}").prepare()
    assert Database(f"sqlite:///{file}").schema().revision == ""


def test_what_changes_nothing_needs_no_backup(file: Path, tmp_path: Path):
    Database(f"sqlite:///{file}").prepare()
    (backup,) = tmp_path.glob("*before*")
    backup.unlink()
    Database(f"sqlite:///{file}").prepare()
    Database(f"sqlite:///{tmp_path}/new.db").prepare()
    assert list(tmp_path.glob("*before*")) == []

"""Fixtures: the record on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from click99.annotations.database import Database, sqlite_url
from tests.postgresql_server import PostgresqlServer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    with PostgresqlServer() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: PostgresqlServer) -> str:
    """Of an empty record."""
    return postgresql.new_schema()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow("a PostgreSQL"))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty record."""
    url = sqlite_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    database = Database(url, busy_seconds=0.2)
    yield database
    database.close()

"""A real PostgreSQL on a free port, for tests; ended with the context."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from types import TracebackType

import pytest
from sqlalchemy import create_engine, text

from click99.demo.programs import free_port

USER = "postgres"  # PostgreSQL refuses to run as root
HASTY = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off"


def find_programs() -> Path | None:
    """Where pg_ctl and initdb are; Debian keeps them off the PATH."""
    found = [Path(shutil.which("pg_ctl") or ""), *sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))]
    return next((program.parent for program in reversed(found) if program.is_file()), None)


class PostgresqlServer:
    """Use it as a context. `stop` and `start` are a PostgreSQL that goes away and comes back."""

    def __init__(self) -> None:
        programs = find_programs()
        if programs is None:
            pytest.skip("needs PostgreSQL: install the package 'postgresql'")
        self._programs = programs
        self._user = USER if os.geteuid() == 0 else None
        self._folder = Path(
            tempfile.mkdtemp(prefix="click99-postgresql-")
        )  # pytest's own are closed to others
        self._numbers = count()
        self._port = free_port(0)

    def new_database(self) -> str:
        """An empty database; its address."""
        return self._url(self._new("DATABASE"))

    def new_schema(self) -> str:
        """The address of an empty schema: as good as a database, and made a hundred times faster."""
        return f"{self._url('postgres')}?options=-csearch_path%3D{self._new('SCHEMA')}"

    def _new(self, kind: str) -> str:
        name = f"click99_{next(self._numbers)}"
        engine = create_engine(self._url("postgres", "postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE {kind} {name}"))
        engine.dispose()
        return name

    def start(self) -> None:
        options = f"-p {self._port} -h 127.0.0.1 -k {self._folder} {HASTY}"
        self._run("pg_ctl", "-w", "-t", "60", "-o", options, "-l", f"{self._folder}/log", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def __enter__(self) -> PostgresqlServer:
        if self._user:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-U", USER, "-A", "trust", "-N", "-E", "UTF8")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def _url(self, database: str, driver: str = "postgresql") -> str:
        return f"{driver}://{USER}@127.0.0.1:{self._port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._folder / "data"), *arguments]
        subprocess.run(
            command, check=True, user=self._user, cwd=self._folder, stdout=subprocess.DEVNULL, timeout=120
        )

"""Servers over the disc painter, and a registry of two networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fastapi.testclient import TestClient
from sqlalchemy import select

from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import RecordRow
from click99.registry.jobs import Jobs
from click99.registry.versions import Registry
from click99.segmentation.checkpoint import save_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT
from click99.server.app import create_app
from click99.server.settings import Settings
from tests.annotations.api import address, api
from tests.disc_painter import DiscPainter
from tests.registry.examples import STAND_IN, checkpoint
from tests.server.interleaved import hosting_images
from tests.server.requests import Start
from tests.waiting import until

__all__ = ["address", "api"]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "CLICK99_ALLOWED_HOSTS", "CLICK99_HOME"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def painter() -> DiscPainter:
    return DiscPainter()


@pytest.fixture
def start(tmp_path: Path, painter: DiscPainter) -> Iterator[Start]:
    """Start a server with these settings; its peer is on loopback. Called twice, it is a restart."""
    started: list[TestClient] = []

    def start_one(peer: str = "127.0.0.1", **settings: Any) -> TestClient:
        given: dict[str, Any] = {"home": tmp_path} | settings
        chosen = Settings(**given)
        app = create_app(chosen, painter, Jobs(chosen.home / "jobs", STAND_IN))
        client = TestClient(app, client=(peer, 50000))
        client.__enter__()
        started.append(client)
        return client

    yield start_one
    for client in started:
        client.__exit__(None, None, None)


@pytest.fixture
def server(start: Start) -> TestClient:
    return start()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Addresses of small pictures on a server that every process fetches from."""
    with hosting_images(tmp_path_factory.mktemp("images")) as addresses:
        yield addresses


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("made")
    return [checkpoint(folder / f"seed{seed}.safetensors", seed) for seed in (0, 1)]


@pytest.fixture
def registry(tmp_path: Path, checkpoints: list[Path]) -> Registry:
    """The first checkpoint is promoted."""
    registry = Registry(tmp_path / "models")
    names = [registry.add(path).name for path in checkpoints]
    registry.promote(names[0], "for the test")
    return registry


@pytest.fixture
def names(registry: Registry) -> list[str]:
    return [version.name for version in registry.all()][:2]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[Any]]:
    """read(table, how many): its rows, once there are so many."""
    database = Database(sqlite_url(tmp_path))

    def read(table: type[RecordRow], expected: int) -> list[Any]:
        def rows() -> list[Any]:
            with database.reading() as session:
                return list(session.scalars(select(table)))

        until(lambda: len(rows()) >= expected)
        return rows()

    return read


@pytest.fixture(scope="module")
def fast_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of random weights that looks at small pictures as they are, which is fast."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "random.safetensors"
    save_checkpoint(TwoStreamNetwork(replace(COMPACT, view="whole")), path)
    return path

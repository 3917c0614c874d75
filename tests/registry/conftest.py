"""Checkpoints of random weights, and a registry that holds two."""

from __future__ import annotations

from pathlib import Path

import pytest

from click99.registry.versions import Registry
from tests.registry.examples import checkpoint


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three of them."""
    folder = tmp_path_factory.mktemp("made")
    return [checkpoint(folder / f"seed{seed}.safetensors", seed) for seed in range(3)]


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions are served as they are; the check of one takes a second."""
    monkeypatch.setattr("click99.registry.versions.load_checked", lambda name, path, digest: None)


@pytest.fixture
def registry(tmp_path: Path, checkpoints: list[Path]) -> Registry:
    """It knows the first checkpoint, and the second as trained from it."""
    registry = Registry(tmp_path / "models")
    first = registry.add(checkpoints[0])
    registry.add(checkpoints[1], parent=first.name, images=30)
    return registry

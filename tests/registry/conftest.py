"""Checkpoints of random weights, and a registry that holds two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from click99.registry.versions import Registry
from click99.segmentation.checkpoint import save_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT


def checkpoint(path: Path, seed: int = 0, **changes: Any) -> Path:
    """A network that looks at small pictures as they are, which is fast."""
    torch.manual_seed(seed)
    save_checkpoint(TwoStreamNetwork(replace(COMPACT, view="whole", **changes)), path, seed=seed)
    return path


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three of them."""
    folder = tmp_path_factory.mktemp("made")
    return [checkpoint(folder / f"seed{seed}.safetensors", seed) for seed in range(3)]


@pytest.fixture
def registry(tmp_path: Path, checkpoints: list[Path]) -> Registry:
    """It knows the first checkpoint, and the second as trained from it."""
    registry = Registry(tmp_path / "models")
    first = registry.add(checkpoints[0])
    registry.add(checkpoints[1], parent=first.name, images=30)
    return registry

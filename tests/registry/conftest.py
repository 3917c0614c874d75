"""Checkpoints of random weights, and a registry that holds two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from backend.registry.versions import Registry
from backend.segmentation.checkpoint import save_checkpoint
from backend.segmentation.network import TwoStreamNetwork
from backend.segmentation.presets import COMPACT


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three networks that look at small pictures as they are, which is fast."""
    folder, made = tmp_path_factory.mktemp("made"), []
    for seed in range(3):
        torch.manual_seed(seed)
        made.append(folder / f"seed{seed}.safetensors")
        save_checkpoint(TwoStreamNetwork(replace(COMPACT, view="whole")), made[-1], seed=seed)
    return made


@pytest.fixture
def registry(tmp_path: Path, checkpoints: list[Path]) -> Registry:
    """It knows the first checkpoint, and the second as trained from it."""
    registry = Registry(tmp_path / "models")
    first = registry.add(checkpoints[0])
    registry.add(checkpoints[1], parent=first.name, images=30)
    return registry

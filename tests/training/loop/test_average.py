from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from click99.cli import app
from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT, NetworkConfig


def checkpoint(folder: Path, name: str, value: float, config: NetworkConfig = COMPACT) -> Path:
    network = TwoStreamNetwork(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
    save_checkpoint(network, folder / name)
    return folder / name


def test_the_mean_of_checkpoints_is_written(tmp_path: Path):
    files = [checkpoint(tmp_path, f"{value}.safetensors", value) for value in (0.25, 0.75)]
    out = tmp_path / "mean.safetensors"
    result = CliRunner().invoke(app, ["average", *map(str, files), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert all((tensor == 0.5).all() for tensor in load_checkpoint(out).state_dict().values())


@pytest.mark.parametrize("changes", [{"filter_radius": 3}, {"clicks_in": "both"}])
def test_different_networks_have_no_mean(tmp_path: Path, changes: dict):
    one = checkpoint(tmp_path, "one.safetensors", 0.5)
    other = checkpoint(tmp_path, "other.safetensors", 0.5, replace(COMPACT, **changes))
    result = CliRunner().invoke(app, ["average", str(one), str(other), "--out", str(tmp_path / "mean")])
    assert result.exit_code == 2
    assert "hold different networks" in result.stderr
    assert not (tmp_path / "mean").exists()

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
from click99_training.loop.average import average


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
    mean = load_checkpoint(out)
    assert all((tensor == 0.5).all() for tensor in mean.state_dict().values())
    assert (mean.config.quality, mean.config.view) == (False, "zoomed")


def test_one_that_is_given_twice_counts_twice_and_may_have_no_head(tmp_path: Path):
    headless = replace(COMPACT, quality=False, view="zoomed")
    one = checkpoint(tmp_path, "one.safetensors", 0.25)
    other = checkpoint(tmp_path, "other.safetensors", 1.0, headless)
    mean = load_checkpoint(average([one, one, other], tmp_path / "mean.safetensors"))
    assert all((tensor == 0.5).all() for tensor in mean.state_dict().values())


@pytest.mark.parametrize("changes", [{"filter_radius": 3}, {"clicks_in": "both"}])
def test_different_networks_have_no_mean(tmp_path: Path, changes: dict):
    one = checkpoint(tmp_path, "one.safetensors", 0.5)
    other = checkpoint(tmp_path, "other.safetensors", 0.5, replace(COMPACT, **changes))
    result = CliRunner().invoke(app, ["average", str(one), str(other), "--out", str(tmp_path / "mean")])
    assert result.exit_code == 2
    assert "hold different networks" in result.stderr
    assert not (tmp_path / "mean").exists()

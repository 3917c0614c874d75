"""What a training run starts from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from click99.segmentation.checkpoint import save_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT, PAPER, variant
from click99_training.loop.train import Run, initial_network


def run(folder: Path, preset: str, start_from: Path | None = None) -> Run:
    return Run(preset, folder, folder / "out", start_from=start_from)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint of `paper` as `click99 import-weights` leaves it."""
    path = tmp_path_factory.mktemp("start") / "imagenet.safetensors"
    save_checkpoint(TwoStreamNetwork(PAPER), path, dtype=torch.float32)
    yield path
    path.unlink()  # 150 MB


def test_paper_starts_from_the_whole_checkpoint(tmp_path: Path, imported: Path):
    network = initial_network(run(tmp_path, "paper", imported), PAPER)
    again = initial_network(run(tmp_path, "paper", imported), PAPER)
    assert all(map(torch.equal, network.state_dict().values(), again.state_dict().values()))


def test_a_variant_of_paper_starts_from_its_image_stream(tmp_path: Path, imported: Path):
    whole = initial_network(run(tmp_path, "paper", imported), PAPER)
    network = initial_network(run(tmp_path, "paper", imported), variant(PAPER, "+T"))
    assert network.config == variant(PAPER, "+T")
    assert network.encoder.layer4[2].conv3.weight.equal(whole.encoder.layer4[2].conv3.weight)


def test_paper_without_weights_says_how_to_get_them(tmp_path: Path):
    with pytest.raises(ValueError, match="click99 import-weights FILE OUT, then --start-from OUT"):
        initial_network(run(tmp_path, "paper"), PAPER)


def test_another_preset_is_refused(tmp_path: Path):
    save_checkpoint(TwoStreamNetwork(COMPACT), tmp_path / "compact.safetensors")
    with pytest.raises(ValueError, match="holds another network than paper"):
        initial_network(run(tmp_path, "paper", tmp_path / "compact.safetensors"), PAPER)

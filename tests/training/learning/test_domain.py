"""What a fine-tune is for, and what stays with the network before, over several fine-tunes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint
from click99.segmentation.generalist import Generalist
from click99_training.base import open_base
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.domain import generalist_of
from tests.registry.examples import checkpoint
from tests.training.snapshot import write_snapshot


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "shipped.safetensors")


@pytest.fixture
def photos(data_folder: Path) -> SampleDataset:
    return open_base(data_folder).train


def corrected(folder: Path, skip: int = 0) -> SnapshotDataset:
    return SnapshotDataset(write_snapshot(folder, train=3, held_out=0, skip=skip), ["train"])


def tuned(shipped: Path, generalist: Generalist) -> Path:
    path = checkpoint(shipped.with_name("learnt.safetensors"), seed=1)
    save_checkpoint(load_checkpoint(path), path, generalist=generalist)
    return path


def rows(fingerprints: torch.Tensor) -> set[tuple[float, ...]]:
    return {tuple(row) for row in fingerprints.tolist()}


def test_the_first_keeps_the_network_that_it_began_with(shipped: Path, photos: SampleDataset, tmp_path: Path):
    first = generalist_of(shipped, corrected(tmp_path / "a"), photos, "cpu")
    ours, theirs = first.network.state_dict(), load_checkpoint(shipped).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert len(first.corrected) == 3
    images = {photos[k].image.tobytes() for k in range(len(photos))}
    assert len(first.others) == len(images), "an image of several masks is known once"


def test_the_second_keeps_the_first_s_generalist_and_what_it_was_for(
    shipped: Path, photos: SampleDataset, tmp_path: Path
):
    first = generalist_of(shipped, corrected(tmp_path / "a"), photos, "cpu")
    second = generalist_of(tuned(shipped, first), corrected(tmp_path / "b", skip=3), photos, "cpu")
    assert torch.equal(second.network.encoder.stem.weight, first.network.encoder.stem.weight)  # pyright: ignore
    assert rows(first.corrected) < rows(second.corrected)
    assert len(second.corrected) == 6
    assert rows(second.others) == rows(first.others)


def test_what_the_first_was_for_is_not_taken_from_it_as_base_data(
    shipped: Path, photos: SampleDataset, tmp_path: Path
):
    """Masks of an earlier project, given as base data so that they are not forgotten."""
    earlier = corrected(tmp_path / "a")
    first = generalist_of(shipped, earlier, photos, "cpu")
    second = generalist_of(tuned(shipped, first), corrected(tmp_path / "b", skip=3), earlier, "cpu")
    assert rows(second.others) == rows(first.others)
    assert rows(first.corrected) < rows(second.corrected)

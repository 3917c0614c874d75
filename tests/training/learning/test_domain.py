"""What a fine-tune is for, and what stays with the network before, over several fine-tunes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from click99.segmentation.checkpoint import SHIPPED, load_checkpoint, load_generalist, save_checkpoint
from click99.segmentation.generalist import Generalist
from click99_training.base import open_base
from click99_training.base.fingerprints import photographs
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.domain import Domain, projects_of
from tests.registry.examples import checkpoint
from tests.training.snapshot import write_snapshot

pytestmark = pytest.mark.slow("writes checkpoints of two networks")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "shipped.safetensors")


@pytest.fixture
def photos(data_folder: Path) -> SampleDataset:
    return open_base(data_folder).train


def corrected(folder: Path, skip: int = 0) -> SnapshotDataset:
    return SnapshotDataset(write_snapshot(folder, images=3, skip=skip))


def tuned(shipped: Path, generalist: Generalist) -> Path:
    path = checkpoint(shipped.with_name("learnt.safetensors"), seed=1)
    save_checkpoint(load_checkpoint(path), path, generalist=generalist)
    return path


def rows(fingerprints: torch.Tensor) -> set[tuple[float, ...]]:
    return {tuple(row) for row in fingerprints.tolist()}


def test_the_first_keeps_the_network_that_it_began_with(shipped: Path, photos: SampleDataset, tmp_path: Path):
    first = Domain(shipped, photos, "cpu").generalist(corrected(tmp_path / "a"))
    ours, theirs = first.network.state_dict(), load_checkpoint(shipped).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert len(first.corrected) == 3
    images = {photos[k].image.tobytes() for k in range(len(photos))}
    assert len(first.others) == len(images), "an image of several masks is known once"


def test_the_second_keeps_the_first_s_generalist_and_what_it_was_for(
    shipped: Path, photos: SampleDataset, tmp_path: Path
):
    first = Domain(shipped, photos, "cpu").generalist(corrected(tmp_path / "a"))
    second = Domain(tuned(shipped, first), photos, "cpu").generalist(corrected(tmp_path / "b", skip=3))
    assert torch.equal(second.network.encoder.stem.weight, first.network.encoder.stem.weight)  # pyright: ignore
    assert rows(first.corrected) < rows(second.corrected)
    assert len(second.corrected) == 6
    assert rows(second.others) == rows(first.others)


def test_what_the_first_was_for_is_not_taken_from_it_as_base_data(
    shipped: Path, photos: SampleDataset, tmp_path: Path
):
    """Masks of an earlier project, given as base data so that they are not forgotten."""
    earlier = corrected(tmp_path / "a")
    first = Domain(shipped, photos, "cpu").generalist(earlier)
    second = Domain(tuned(shipped, first), earlier, "cpu").generalist(corrected(tmp_path / "b", skip=3))
    assert rows(second.others) == rows(first.others)
    assert rows(first.corrected) < rows(second.corrected)


def test_the_shipped_network_knows_what_photographs_look_like(shipped: Path, photos: SampleDataset):
    rows = photographs(load_checkpoint(SHIPPED))
    assert len(rows) == 300, "make them anew: python -m click99_training.base.fingerprints"
    assert len(Domain(SHIPPED, photos, "cpu").others) > 300
    assert not len(photographs(load_checkpoint(shipped))), "to another network they look otherwise"


def test_a_project_of_enough_images_is_answered_by_what_was_learnt(
    shipped: Path, photos: SampleDataset, tmp_path: Path
):
    few = SnapshotDataset(write_snapshot(tmp_path / "few", images=5, project="7.1"))
    many = SnapshotDataset(write_snapshot(tmp_path / "many", images=6, project="8.1"))
    nobody = SnapshotDataset(write_snapshot(tmp_path / "nobody", images=6))
    assert [projects_of(each) for each in (few, many, nobody)] == [[], ["8.1"], []]
    first = Domain(shipped, photos, "cpu").generalist(many, projects_of(many))
    second = Domain(tuned(shipped, first), photos, "cpu").generalist(few, ["9.1"])
    assert (first.projects, second.projects) == ({"8.1"}, {"8.1", "9.1"})
    assert load_generalist(tuned(shipped, second)).projects == second.projects  # pyright: ignore

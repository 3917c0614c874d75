from __future__ import annotations

import numpy as np
import pytest
import torch

from click99_training.loop import maps
from click99_training.loop.maps import learnt_maps

SIDE, STEP = 64, 8


def crops(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Evidence [B, 4, 8, 8] whose first channel shows the object, and truth [B, 1, 64, 64]."""
    rng = np.random.default_rng(0)
    small = rng.random((count, 1, SIDE // STEP, SIDE // STEP)) < 0.4
    evidence = rng.normal(0, 0.2, (count, 4, SIDE // STEP, SIDE // STEP)).astype(np.float32)
    evidence[:, 0] += 2.0 * small[:, 0] - 1
    return torch.from_numpy(evidence), torch.from_numpy(np.kron(small, np.ones((STEP, STEP)))).float()


def rngs(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(count)]


@pytest.fixture
def right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps that no other crop has a say in."""
    monkeypatch.setattr(maps, "OTHER", 0)
    monkeypatch.setattr(maps, "WRONG", 0)


@pytest.mark.usefixtures("right")
def test_a_part_of_the_crop_teaches_what_all_of_it_shows():
    evidence, truth = crops(6)
    seen = learnt_maps(evidence, truth, rngs(6))
    assert seen.shape == truth.shape
    assert ((seen > 0.5) == (truth > 0.5)).float().mean() > 0.85


def test_some_maps_are_wrong(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(maps, "WRONG", 1)
    evidence, truth = crops(2)
    evidence[0] *= -1  # what is bright in one crop is dark in the other
    seen = learnt_maps(evidence, truth, rngs(2))
    assert ((seen > 0.5) == (truth > 0.5)).float().mean() < 0.3


@pytest.mark.usefixtures("right")
@pytest.mark.parametrize("value", [0.0, 1.0], ids=["nothing", "everything"])
def test_what_teaches_nothing_shows_nothing(value: float):
    evidence, truth = crops(2)
    assert not learnt_maps(evidence, torch.full_like(truth, value), rngs(2)).any()


def test_the_same_draws_make_the_same_maps():
    evidence, truth = crops(3)
    assert torch.equal(learnt_maps(evidence, truth, rngs(3)), learnt_maps(evidence, truth, rngs(3)))

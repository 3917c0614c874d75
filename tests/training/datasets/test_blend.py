"""What is new and what is not to be forgotten, in one stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from click99_training.datasets.blend import Blend, anywhere
from click99_training.datasets.sample import crop_around_object, flip
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.recipes import COMPACT
from tests.training.samples import marked


def test_a_blend_draws_from_both(snapshot: Path):
    data = SnapshotDataset(snapshot)
    new, old = data.of(data.images[:3]), data.of(data.images[3:])
    blend, rng = Blend(new, old, 0.25), np.random.default_rng(0)
    names = {sample.name for sample in old}
    drawn = [blend.draw(rng, COMPACT) for _ in range(200)]
    assert all(sample.taught == (sample.name in names) for sample in drawn)
    taught = [sample for sample in drawn if sample.taught]
    assert 0.15 < len(taught) / len(drawn) < 0.35
    objects = {sample.truth.tobytes() for sample in old}
    assert 0.4 < np.mean([sample.truth.tobytes() not in objects for sample in taught]) < 0.8


@pytest.mark.slow("many crops")
@given(st.integers(0, 1000))
def test_anywhere_is_inside_and_stays_taught_in_every_crop(seed: int):
    rng = np.random.default_rng(seed)
    sample = anywhere(marked(40, 50), rng)
    assert sample.truth.any()
    assert not sample.clicks
    assert flip(crop_around_object(sample, 64, (0.9, 6.0), rng)).taught

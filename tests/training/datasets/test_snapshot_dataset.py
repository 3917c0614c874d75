"""What people clicked, read from a snapshot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from click99.segmentation.clicks import Click
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.snapshots import save
from click99_training.recipes import FINETUNE
from tests.training.snapshot import ALWAYS, CLICKS, PEOPLE_S, SIDE, write_snapshot


def test_masks_come_with_the_clicks_that_led_to_them(snapshot: Path):
    data = SnapshotDataset(snapshot)
    assert len(data) == 6
    assert all(sample.clicks == PEOPLE_S and sample.start is None for sample in data)


def test_the_masks_of_some_images(snapshot: Path):
    data = SnapshotDataset(snapshot)
    one, *others = data.images
    assert data.of({one}).images == [one]
    assert data.of(set(others)).images == others


def test_a_click_on_an_older_mask_begins_a_new_way(tmp_path: Path):
    later = {"x": 9, "y": 8, "positive": True, "origin": "draft", "start": "starts/a.png"}
    folder = write_snapshot(tmp_path / "snapshot", images=1, clicks=[*CLICKS, later])
    start = np.zeros((SIDE, SIDE), bool)
    start[:30] = True
    save(folder / "starts" / "a.png", start.view(np.uint8) * np.uint8(255))
    data, rng = SnapshotDataset(folder), np.random.default_rng(0)
    drawn = {sample.clicks: sample.start for sample in (data.draw(rng, ALWAYS) for _ in range(20))}
    assert drawn.keys() == {PEOPLE_S, (Click(9, 8, True),)}
    assert drawn[PEOPLE_S] is None
    assert np.array_equal(drawn[(Click(9, 8, True),)], start)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("replayed", [0.0, 1.0])
def test_the_recipe_says_how_often_clicks_are_replayed(snapshot: Path, replayed: float):
    data, rng = SnapshotDataset(snapshot), np.random.default_rng(0)
    drawn = [data.draw(rng, replace(FINETUNE, replayed=replayed)) for _ in range(5)]
    assert all(bool(sample.clicks) == bool(replayed) for sample in drawn)


def test_a_line_that_nobody_wrote_is_named(snapshot: Path):
    file = snapshot / "clicks.jsonl"
    file.chmod(0o644)
    file.write_text(file.read_text() + json.dumps({"mask": "train/masks/a_0.png"}) + "\n")
    with pytest.raises(ValueError, match=r"clicks\.jsonl, line 7: KeyError\('clicks'\)\. Collect anew"):
        SnapshotDataset(snapshot)

"""What people clicked, on its way from a snapshot into training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.training.learning.snapshot import CLICKS, SIDE, write_snapshot

from click99.segmentation.clicks import Click
from click99_training.datasets.blend import Blend, anywhere
from click99_training.datasets.collected import Collected
from click99_training.datasets.sample import Sample, crop_around_object, flip, resize
from click99_training.learning.snapshots import save
from click99_training.loop.batch import Batch
from click99_training.recipes import COMPACT, FINETUNE

PEOPLE_S = tuple(Click(each["x"], each["y"], each["positive"]) for each in CLICKS)
ALWAYS = replace(FINETUNE, replayed=1.0, nearly_right=0.0)


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return write_snapshot(tmp_path / "snapshot")


def test_masks_come_with_the_clicks_that_led_to_them(snapshot: Path):
    data = Collected(snapshot, ["train"])
    assert len(data) == 3
    assert all(sample.clicks == PEOPLE_S and sample.start is None for sample in data)


def test_splits_are_told_apart(snapshot: Path):
    assert [len(Collected(snapshot, splits)) for splits in (["val", "test"], ["test"])] == [6, 0]


def test_a_click_on_an_older_mask_begins_a_new_way(tmp_path: Path):
    later = {"x": 9, "y": 8, "positive": True, "origin": "draft", "start": "starts/a.png"}
    folder = write_snapshot(tmp_path / "snapshot", train=1, clicks=[*CLICKS, later])
    start = np.zeros((SIDE, SIDE), bool)
    start[:30] = True
    save(folder / "starts" / "a.png", start.view(np.uint8) * np.uint8(255))
    data, rng = Collected(folder, ["train"]), np.random.default_rng(0)
    drawn = {sample.clicks: sample.start for sample in (data.draw(rng, ALWAYS) for _ in range(20))}
    assert drawn.keys() == {PEOPLE_S, (Click(9, 8, True),)}
    assert drawn[PEOPLE_S] is None
    assert np.array_equal(drawn[(Click(9, 8, True),)], start)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("replayed", [0.0, 1.0])
def test_the_recipe_says_how_often_clicks_are_replayed(snapshot: Path, replayed: float):
    data, rng = Collected(snapshot, ["train"]), np.random.default_rng(0)
    drawn = [data.draw(rng, replace(FINETUNE, replayed=replayed)) for _ in range(5)]
    assert all(bool(sample.clicks) == bool(replayed) for sample in drawn)


def test_a_line_that_nobody_wrote_is_named(snapshot: Path):
    file = snapshot / "clicks.jsonl"
    file.chmod(0o644)
    file.write_text(file.read_text() + json.dumps({"mask": "train/masks/a_0.png"}) + "\n")
    with pytest.raises(ValueError, match=r"clicks\.jsonl, line 10: KeyError\('clicks'\)\. Collect anew"):
        Collected(snapshot, ["train"])


def test_people_s_clicks_come_first_then_the_robot_s(snapshot: Path):
    sample = Collected(snapshot, ["train"])[0]
    batch = Batch.start([sample], [(0,)], ALWAYS)
    for _ in range(3):
        batch.click()
    assert tuple(batch.clicks[0][:2]) == PEOPLE_S
    assert batch.clicks[0][2].positive  # the mask is empty still: the robot asks for the object


def test_a_click_that_the_saved_mask_contradicts_is_left_out(snapshot: Path):
    sample = replace(Collected(snapshot, ["train"])[0], clicks=(Click(32, 32, False), *PEOPLE_S))
    batch = Batch.start([sample], [(0,)], ALWAYS)
    assert tuple(batch.to_replay[0]) == PEOPLE_S


def test_clicks_on_an_older_mask_begin_with_it(snapshot: Path):
    start = np.eye(SIDE) > 0
    sample = replace(Collected(snapshot, ["train"])[0], start=start)
    batch = Batch.start([sample], [(0,)], ALWAYS)
    assert np.array_equal(batch.previous[0, 0].numpy() > 0.5, start)


def marked(x: int, y: int) -> Sample:
    """An image whose only bright block, 3 × 3, is where the click is; object and start are all around it."""
    image = np.zeros((90, 120, 3), np.uint8)
    image[y - 1 : y + 2, x - 1 : x + 2] = 255
    truth = np.zeros((90, 120), bool)
    truth[20:70, 30:90] = True
    return Sample("a", image, truth, np.zeros_like(truth), clicks=(Click(x, y, True),), start=truth)


@given(st.integers(35, 85), st.integers(25, 65), st.integers(0, 1000))
def test_clicks_stay_on_what_they_were_made_on(x: int, y: int, seed: int):
    rng = np.random.default_rng(seed)
    crop = flip(crop_around_object(marked(x, y), 128, (1.0, 2.0), rng))
    assert crop.start is not None
    assert (crop.start != crop.truth).mean() < 0.02
    for click in crop.clicks:  # none where the crop left it out
        assert crop.image[click.y, click.x].max() > 127


def test_enlarging_keeps_every_click():
    (click,) = resize(marked(40, 50), 180, 240).clicks
    assert (click.x, click.y) == (81, 101)


def test_a_blend_draws_from_both(snapshot: Path):
    new, old = Collected(snapshot, ["train"]), Collected(snapshot, ["val"])
    blend, rng = Blend(new, old, 0.25), np.random.default_rng(0)
    names = {sample.name for sample in old}
    drawn = [blend.draw(rng, COMPACT) for _ in range(200)]
    assert all(sample.taught == (sample.name in names) for sample in drawn)
    taught = [sample for sample in drawn if sample.taught]
    assert 0.15 < len(taught) / len(drawn) < 0.35
    objects = {sample.truth.tobytes() for sample in old}
    assert 0.4 < np.mean([sample.truth.tobytes() not in objects for sample in taught]) < 0.8


@given(st.integers(0, 1000))
def test_anywhere_is_inside_and_stays_taught_in_every_crop(seed: int):
    rng = np.random.default_rng(seed)
    sample = anywhere(marked(40, 50), rng)
    assert sample.truth.any()
    assert not sample.clicks
    assert flip(crop_around_object(sample, 64, (0.9, 6.0), rng)).taught

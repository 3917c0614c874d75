"""What crops see of others of their kind."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from click99_training.datasets.sample import Sample
from click99_training.loop import likeness as module
from click99_training.loop.lessons import KEPT, Lessons
from click99_training.loop.likeness import likeness, simulated

SIDE, STEP = 64, 8


def rngs(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(count)]


def crop(seed: int, kind: str = "roads", sign: int = 1) -> tuple[Sample, np.ndarray]:
    """A photo, and features [4, 8, 8] whose first channel is bright on the object, or dark."""
    rng = np.random.default_rng(seed)
    small = rng.random((SIDE // STEP, SIDE // STEP)) < 0.4
    features = rng.normal(0, 0.2, (4, *small.shape)).astype(np.float32)
    features[0] += sign * (2.0 * small - 1)
    truth = np.kron(small, np.ones((STEP, STEP))) > 0
    nothing = np.zeros_like(truth)
    return Sample(f"{kind}{seed}", np.zeros((SIDE, SIDE, 3), np.uint8), truth, nothing, kind=kind), features


def crops(count: int, **asked) -> tuple[list[Sample], np.ndarray]:
    samples, features = zip(*(crop(seed, **asked) for seed in range(count)), strict=True)
    return list(samples), np.stack(features)


@pytest.fixture
def lessons() -> Lessons:
    taught = Lessons()
    taught.teach(*crops(6))
    return taught


@pytest.fixture
def learnt_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEARNT", 1)
    monkeypatch.setattr(module, "WRONG", 0)
    monkeypatch.setattr(module, "COARSER", 0)


@pytest.mark.usefixtures("learnt_and_right")
def test_pictures_of_one_kind_answer_each_other(lessons: Lessons):
    sample, features = crop(9)
    seen = likeness([sample], features[None], lessons, rngs(1), 1.0)
    assert seen.shape == (1, 1, SIDE, SIDE)
    assert -1 <= seen.min() < -0.9
    assert 0.9 < seen.max() <= 1
    assert ((seen[0, 0] > 0) == sample.truth).mean() > 0.85


@pytest.mark.usefixtures("learnt_and_right")
def test_where_no_other_is_of_its_kind_a_part_of_the_crop_teaches(lessons: Lessons):
    sample, features = crop(9, kind="dark ones", sign=-1)
    seen = likeness([sample], features[None], lessons, rngs(1), 1.0)
    assert ((seen[0, 0] > 0) == sample.truth).mean() > 0.8


@pytest.mark.usefixtures("learnt_and_right")
def test_a_wrong_map_is_of_another_crop(lessons: Lessons, monkeypatch: pytest.MonkeyPatch):
    lessons.teach(*crops(6, kind="dark ones", sign=-1))
    monkeypatch.setattr(module, "WRONG", 1)
    (sample, features), (other, of_other) = crop(9), crop(8, kind="dark ones", sign=-1)
    seen = likeness([sample, other], np.stack((features, of_other)), lessons, rngs(2), 1.0)
    assert ((seen[0, 0] > 0) == sample.truth).mean() < 0.2


def test_only_that_share_sees_something(lessons: Lessons):
    samples, features = crops(40)
    seen = likeness(samples, features, lessons, rngs(40), 0.5)
    absent = ~seen.any((1, 2, 3))
    assert 10 < absent.sum() < 30


def test_a_photo_does_not_teach_itself():
    lessons, (sample, features) = Lessons(), crop(0)
    lessons.teach([sample], features[None])
    assert lessons.draw(sample, np.random.default_rng(0)) == []
    assert lessons.draw(replace(sample, name="another"), np.random.default_rng(0)) != []
    assert lessons.draw(replace(sample, name="another", kind="other"), np.random.default_rng(0)) == []


def test_what_has_no_kind_teaches_nothing():
    lessons, (sample, features) = Lessons(), crop(0, kind="")
    lessons.teach([sample], features[None])
    assert lessons.draw(replace(sample, name="another"), np.random.default_rng(0)) == []


def test_the_newest_are_kept_and_come_back_bit_for_bit():
    lessons, again = Lessons(), Lessons()
    lessons.teach(*crops(KEPT + 3))
    again.load_state_dict(lessons.state_dict())
    assert list(again.kinds["roads"]) == [f"roads{k}" for k in range(3, KEPT + 3)]
    sample, features = crop(99)
    one, other = (likeness([sample], features[None], each, rngs(1), 1.0) for each in (lessons, again))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("seed", range(5))
def test_a_simulated_map_is_like_the_truth_and_its_look_alikes(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "ALIKE", 1)
    truth, others = np.zeros((2, 64, 64), bool)
    truth[10:30, 10:30], others[40:60, 35:60] = True, True
    nothing = np.zeros_like(truth)
    sample = Sample("s", np.zeros((64, 64, 3), np.uint8), truth, nothing, others=others.astype(np.uint8))
    small = simulated(sample, np.random.default_rng(seed))
    cells = cv2.resize(small, (64, 64), interpolation=cv2.INTER_NEAREST)
    assert min(cells[truth].mean(), cells[others].mean()) > 1.5 * cells[~truth & ~others].mean()

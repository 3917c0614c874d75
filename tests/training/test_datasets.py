from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from click99_training.datasets.composites import composite
from click99_training.datasets.crops import CropStream, batches
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.manifest import ManifestDataset, some_instance
from click99_training.datasets.sample import Sample, crop_around_object, flip, inverted, recolour, resize
from click99_training.recipes import COMPACT


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sample(seed: int = 0) -> Sample:
    truth = np.zeros((100, 150), bool)
    truth[30:60, 70:120] = True
    return Sample("s", rng(seed).integers(0, 256, (100, 150, 3), np.uint8), truth, np.zeros_like(truth))


@pytest.mark.parametrize("seed", range(20))
def test_crops_hold_part_of_the_object_at_the_size_asked_for(seed: int):
    crop = crop_around_object(sample(), 64, (0.6, 2.2), rng(seed))
    assert crop.image.shape == (64, 64, 3)
    assert crop.truth.any()


def test_flip_turns_image_and_truth_alike():
    turned = flip(sample())
    np.testing.assert_array_equal(turned.image[:, ::-1], sample().image)
    assert turned.truth[40, 40]


def test_resize_keeps_void_wherever_any_of_it_falls():
    some = sample()
    some.void[0, 0] = True
    assert resize(some, 50, 75).void[0, 0]


def test_recolour_keeps_shape_and_moves_colours():
    image = sample().image
    changed = recolour(image, rng(1))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert (changed != image).mean() > 0.5


def test_instances_are_taken_one_at_a_time_and_ignored_pixels_are_void():
    mask = np.zeros((40, 80), np.uint8)
    mask[5:25, 5:25], mask[5:25, 40:60], mask[30:33, 70:73], mask[39] = 1, 2, 3, 255
    seen = set()
    for seed in range(40):
        truth, void = some_instance(mask, rng(seed), pairs=0.1)
        seen.add(tuple(np.unique(mask[truth])))
        assert void.sum() == 80
    assert {(1,), (2,)} <= seen
    assert not any(3 in chosen for chosen in seen)  # too small to learn from


def test_an_instance_mask_without_objects_gives_an_empty_truth():
    truth, _ = some_instance(np.full((9, 9), 255, np.uint8), rng(), pairs=0.1)
    assert not truth.any()


def test_composites_blend_by_alpha():
    foreground, background = np.full((30, 30, 3), 200, np.uint8), np.full((90, 120, 3), 50, np.uint8)
    alpha = np.zeros((30, 30), np.uint8)
    alpha[5:25, 5:25] = 255
    image, where = composite(foreground, alpha, background, rng(3))
    assert image.shape == (90, 120, 3)
    np.testing.assert_array_equal(image[where == 0], 50)
    assert where.max() == 1
    assert abs(image[where == 1].astype(int) - 50).min() > 20


def test_the_manifest_is_read_by_split(data_folder: Path):
    data = ManifestDataset(data_folder, "train")
    assert (len(data.photos), len(data.cutouts), len(data.backgrounds)) == (3, 1, 1)
    assert len(ManifestDataset(data_folder, "val").photos) == 1
    for share in (0.0, 1.0):
        drawn = data.draw(rng(), replace(COMPACT, composite=share))
        assert drawn.image.shape == (*drawn.truth.shape, 3)
        assert drawn.name.startswith("cut/" if share else "photo/")


def test_a_folder_without_manifest_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"manifest\.csv does not exist"):
        ManifestDataset(tmp_path, "train")


def test_inverted_is_all_that_the_object_is_not():
    some = replace(sample(), alpha=sample().truth * np.float32(0.9))
    some.void[0] = True
    other = inverted(some)
    assert np.array_equal(other.truth, ~some.truth & ~some.void)
    assert other.alpha is not None
    np.testing.assert_allclose(other.alpha[40, 80], 0.1, atol=1e-6)


class Always(SampleDataset):
    """One sample, again and again."""

    def __init__(self, one: Sample):
        self.one = one

    def __len__(self) -> int:
        return 1

    def __getitem__(self, k: int) -> Sample:
        return self.one


@pytest.mark.parametrize(("height", "share"), [(30, 0.25), (8, 0.0)], ids=["large", "small"])
def test_the_share_of_inverted_images_is_as_asked_but_never_around_a_small_object(height: int, share: float):
    some = sample()
    some.truth[30 + height :] = False
    some.image[some.truth], some.image[~some.truth] = 255, 0
    stream = CropStream(Always(some), replace(COMPACT, inverted=0.25), seed=0)
    crops = [stream[(k, 64)] for k in range(120)]
    found = np.mean([crop.image[crop.truth].mean() < crop.image[~crop.truth].mean() for crop in crops])
    assert abs(found - share) < 0.12 * bool(share) + 1e-9


def test_the_stream_gives_the_same_crop_for_the_same_index(data_folder: Path):
    stream = CropStream(ManifestDataset(data_folder, "train"), COMPACT, seed=5)
    first, again, other = stream[(7, 64)], stream[(7, 64)], stream[(8, 64)]
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.truth, again.truth)
    assert not np.array_equal(first.image, other.image)


def test_batches_follow_the_schedule_and_resume_where_they_stopped():
    recipe = replace(COMPACT, crops=((64, 4, 0.5), (96, 2, 0.5)))
    all_of_them = list(batches(recipe, 16))
    assert [len(batch) for batch in all_of_them] == [4, 4, 2, 2, 2, 2]
    assert [key for batch in all_of_them for key in batch] == [(k, 64 if k < 8 else 96) for k in range(16)]
    assert list(batches(recipe, 16, start=8)) == all_of_them[2:]


def test_the_other_objects_are_known_where_masks_number_them(data_folder: Path):
    data = ManifestDataset(data_folder, "train")
    alone, among = data[0], data[1]
    assert alone.others is None
    assert among.others is not None
    assert among.others.any()
    assert not (among.others > 0)[among.truth | among.void].any()

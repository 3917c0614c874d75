"""The stream of crops: reproducible, of the sizes asked for, past whatever cannot be used."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from click99_training.datasets.crops import CropStream, batches
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.folders import MaskFolder
from click99_training.datasets.manifest import ManifestDataset
from click99_training.datasets.sample import Sample
from click99_training.datasets.skipped_samples import SkippedSamples
from click99_training.recipes import COMPACT, Mix
from tests.training.samples import SQUARE, block, cut_short, folder_of, mask


def test_training_passes_over_bad_samples_with_the_same_crops_whenever_asked(tmp_path: Path):
    masks = {name: mask(SQUARE) for name in ("a", "b", "c")} | {"full": mask(np.s_[:, :])}
    data = MaskFolder(folder_of(tmp_path, masks))
    cut_short(tmp_path / "images" / "b.png")
    log = tmp_path / "run" / "skipped.csv"
    streams = [
        CropStream(data, replace(COMPACT, shapes=0.0), seed=1, skipped=SkippedSamples(log)) for _ in range(2)
    ]
    forward = [streams[0][(k, 64)] for k in range(20)]
    backward = [streams[1][(k, 64)] for k in reversed(range(20))]
    for one, other in zip(forward, reversed(backward), strict=True):
        assert one.name in ("a", "c")
        np.testing.assert_array_equal(one.image, other.image)
    with log.open() as file:
        assert sorted(Path(row[0]).stem for row in csv.reader(file)) == ["b", "full"]


def test_a_stream_without_any_usable_sample_ends(tmp_path: Path):
    stream = CropStream(MaskFolder(folder_of(tmp_path, {"a": mask()})), COMPACT, seed=0)
    with pytest.raises(ValueError, match="samples in a row cannot be trained on"):
        stream[(0, 64)]


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
    some = block()
    some.truth[30 + height :] = False
    some.image[some.truth], some.image[~some.truth] = 255, 0
    stream = CropStream(Always(some), replace(COMPACT, inverted=0.25, shapes=0.0), seed=0)
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


def test_a_stream_of_any_mix_is_reproducible(data_folder: Path):
    recipe = replace(COMPACT, composite=0.8, mix=Mix(cut=0.5, cut_from=("",), second=0.5, faintest=8))
    one, other = (CropStream(ManifestDataset(data_folder, "train"), recipe, seed=4) for _ in range(2))
    for k in (5, 3, 9):
        np.testing.assert_array_equal(one[(k, 64)].image, other[(k, 64)].image)
        np.testing.assert_array_equal(one[(k, 64)].truth, other[(k, 64)].truth)


def test_close_crops_show_a_part_of_the_object_and_know_how_much_is_cut_off():
    recipe = replace(COMPACT, close=1.0, inverted=0.0, shapes=0.0)
    sample = block()
    for k in range(10):
        crop = CropStream(Always(sample), recipe, seed=0)[(k, 64)]
        assert crop.cut_off > 0
    wide = replace(recipe, close=0.0, object_scale=(3.0, 4.0))
    assert CropStream(Always(sample), wide, seed=0)[(0, 64)].cut_off == 0


def test_shapes_take_the_place_of_samples():
    drawn = replace(COMPACT, shapes=1.0, inverted=0.0)
    assert {CropStream(Always(block()), drawn, seed=0)[(k, 64)].name for k in range(5)} == {"shapes"}

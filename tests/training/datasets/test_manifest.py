"""A manifest says what is photo, cut-out and background, and which objects a mask numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from click99_training.datasets.image_files import SampleError
from click99_training.datasets.manifest import ManifestDataset, some_instance
from click99_training.recipes import COMPACT, Mix
from tests.training.samples import RAMP, mask


def test_instances_too_small_to_learn_from_are_named(data_folder: Path, tmp_path: Path):
    Image.fromarray(np.dstack([RAMP] * 3)).save(tmp_path / "a.png")
    Image.fromarray(mask(np.s_[3:8, 3:8]) // 255).save(tmp_path / "a_mask.png")
    (tmp_path / "manifest.csv").write_text("file,mask,kind,split\na.png,a_mask.png,instances,train\n")
    with pytest.raises(SampleError, match=r"a_mask\.png: no object in it has 150 pixels"):
        ManifestDataset(tmp_path, "train")[0]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("file,mask,split\n", "lacks the column kind"),
        ("file,mask,kind,split\na.png,a.png,binary,train\n", "no images with masks in its split 'val'"),
        ("file,mask,kind,split\na.png,a.png,blob,val\n", "unknown kind"),
    ],
)
def test_a_manifest_that_says_too_little_is_refused(tmp_path: Path, content: str, complaint: str):
    (tmp_path / "manifest.csv").write_text(content)
    with pytest.raises(ValueError, match=complaint):
        ManifestDataset(tmp_path, "val")


def test_instances_are_taken_one_at_a_time_and_ignored_pixels_are_void():
    mask = np.zeros((40, 80), np.uint8)
    mask[5:25, 5:25], mask[5:25, 40:60], mask[30:33, 70:73], mask[39] = 1, 2, 3, 255
    seen = set()
    for seed in range(40):
        truth, void = some_instance(mask, np.random.default_rng(seed), pairs=0.1)
        seen.add(tuple(np.unique(mask[truth])))
        assert void.sum() == 80
    assert {(1,), (2,)} <= seen
    assert not any(3 in chosen for chosen in seen)  # too small to learn from


def test_an_instance_mask_without_objects_gives_an_empty_truth():
    truth, _ = some_instance(np.full((9, 9), 255, np.uint8), np.random.default_rng(0), pairs=0.1)
    assert not truth.any()


def test_the_manifest_is_read_by_split(data_folder: Path):
    data = ManifestDataset(data_folder, "train")
    assert (len(data.photos), len(data.cutouts), len(data.backgrounds)) == (3, 1, 1)
    assert len(ManifestDataset(data_folder, "val").photos) == 1
    for share in (0.0, 1.0):
        drawn = data.draw(np.random.default_rng(0), replace(COMPACT, composite=share))
        assert drawn.image.shape == (*drawn.truth.shape, 3)
        assert drawn.name.startswith("cut/" if share else "photo/")


def test_a_folder_without_manifest_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"manifest\.csv does not exist"):
        ManifestDataset(tmp_path, "train")


def test_the_other_objects_are_known_where_masks_number_them(data_folder: Path):
    data = ManifestDataset(data_folder, "train")
    alone, among = data[0], data[1]
    assert alone.others is None
    assert among.others is not None
    assert among.others.any()
    assert not (among.others > 0)[among.truth | among.void].any()


def test_the_mix_takes_objects_of_trusted_sources_only(data_folder: Path, tmp_path: Path):
    rows = [("a", "binary", "precise"), ("b", "instances", "precise"), ("c", "alpha", "vague")]
    lines = [f"photo/{name}.png,photo/{name}_mask.png,{kind},train,{source}" for name, kind, source in rows]
    (tmp_path / "manifest.csv").write_text("\n".join(["file,mask,kind,split,source", *lines]))
    (tmp_path / "photo").symlink_to(data_folder / "photo")
    data = ManifestDataset(tmp_path, "train")
    recipe = replace(COMPACT, composite=1.0, mix=Mix(cut=1.0, cut_from=("precise", "not here")))
    assert {data.draw(np.random.default_rng(k), recipe).name for k in range(12)} == {"photo/a.png"}
    photos = replace(recipe, mix=Mix(cut_from=("not here",)))
    assert len({data.draw(np.random.default_rng(k), photos).name for k in range(30)}) == 3


def test_sources_of_few_photos_are_drawn_as_often_as_the_balance_says(tmp_path: Path):
    Image.fromarray(np.dstack([RAMP] * 3)).save(tmp_path / "a.png")
    Image.fromarray(mask(np.s_[3:28, 3:28])).save(tmp_path / "m.png")
    rows = [f"a.png,m.png,binary,train,{source}" for source in ["many"] * 16 + ["few"]]
    (tmp_path / "manifest.csv").write_text("\n".join(["file,mask,kind,split,source", *rows]) + "\n")
    data, rng = ManifestDataset(tmp_path, "train"), np.random.default_rng(0)
    shares = {b: np.mean([data._any(rng, b).source == "few" for _ in range(2000)]) for b in (0, 0.5, 1)}
    assert shares[0] == pytest.approx(1 / 17, abs=0.02)
    assert shares[0.5] == pytest.approx(1 / 5, abs=0.03)
    assert shares[1] == pytest.approx(1 / 2, abs=0.04)


def test_photos_are_drawn_among_others_as_often_as_the_recipe_says(data_folder: Path):
    data = ManifestDataset(data_folder, "train")
    for share, sizes in ((0.0, {(120, 160)}), (1.0, {(240, 320), (360, 480)})):
        recipe = replace(COMPACT, composite=0.0, mosaic=share, mosaic_cells=(2, 3))
        drawn = {data.draw(np.random.default_rng(seed), recipe).truth.shape for seed in range(12)}
        assert drawn == sizes

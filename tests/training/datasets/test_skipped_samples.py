"""Samples that cannot be used are named and passed over, in evaluation and in training."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from click99_training.datasets.crops import CropStream
from click99_training.datasets.folders import MaskFolder
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.skipped_samples import NAMED, SkippedSamples, readable, refuse_mostly_bad
from click99_training.recipes import COMPACT
from tests.training.samples import HEIGHT, SQUARE, WIDTH, cut_short, folder_of, mask


def narrower(path: Path) -> None:
    Image.open(path).resize((WIDTH - 1, HEIGHT)).save(path)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "image cut short": (lambda root: cut_short(root / "images/bad.png"), "no readable image"),
    "mask cut short": (lambda root: cut_short(root / "masks/bad.png"), "no readable image"),
    "text": (lambda root: (root / "images/bad.png").write_text("hello"), "no known format"),
    "nothing": (lambda root: (root / "images/bad.png").write_bytes(b""), "it is empty"),
    "gone": (lambda root: (root / "images/bad.png").unlink(), "No such file"),
    "sizes": (
        lambda root: narrower(root / "masks/bad.png"),
        "its mask is 79 × 60, the image .* 80 × 60",
    ),
    "empty mask": (lambda root: Image.fromarray(mask()).save(root / "masks/bad.png"), "the mask is empty"),
    "all void": (
        lambda root: Image.fromarray(np.full((HEIGHT, WIDTH), 128, np.uint8)).save(root / "masks/bad.png"),
        "every pixel is ignored",
    ),
}


@pytest.mark.parametrize(("spoil", "reason"), BAD.values(), ids=BAD)
def test_evaluation_passes_over_a_bad_sample_and_names_it(tmp_path: Path, spoil: Callable, reason: str):
    data = MaskFolder(folder_of(tmp_path, {"bad": mask(SQUARE), "good": mask(SQUARE)}))
    spoil(tmp_path)
    skipped = SkippedSamples()
    assert [sample.name for sample in readable(data, skipped)] == ["good"]
    ((file, why),) = skipped.all().items()
    assert "bad" in file
    assert re.search(reason, why)


def test_a_one_pixel_object_is_evaluated_but_not_trained_on(tmp_path: Path):
    data = MaskFolder(folder_of(tmp_path, {"dot": mask(np.s_[9:10, 9:10]), "square": mask(SQUARE)}))
    assert [sample.truth.sum() for sample in readable(data, SkippedSamples())] == [1, 400]
    stream = CropStream(data, COMPACT, seed=0)
    assert {stream[(k, 64)].name for k in range(12)} == {"square"}
    assert stream.skipped.all() == {"dot": "the object has only 1 pixels"}


def test_what_loader_processes_skip_is_known_to_the_run(tmp_path: Path):
    data = MaskFolder(folder_of(tmp_path, {"good": mask(SQUARE), "bad": mask()}))
    stream = CropStream(data, COMPACT, seed=0, skipped=SkippedSamples(tmp_path / "skipped.csv"))
    keys = [[(k, 64)] for k in range(8)]
    assert len(list(DataLoader(stream, batch_sampler=keys, num_workers=2, collate_fn=list))) == 8
    assert stream.skipped.all() == {"bad": "the mask is empty"}
    assert "1 skipped:\n  bad: the mask is empty" in str(stream.skipped)


def test_mostly_bad_data_is_refused_with_the_list(tmp_path: Path):
    data = MaskFolder(folder_of(tmp_path, {"a": mask(), "b": mask(), "c": mask(), "good": mask(SQUARE)}))
    with pytest.raises(ValueError, match=r"most of the data cannot be used(.|\n)*a: the mask is empty"):
        refuse_mostly_bad(data)


def test_some_bad_data_is_not_refused(tmp_path: Path):
    masks = {"a": mask(), "b": mask(SQUARE), "c": mask(SQUARE)}
    refuse_mostly_bad(MaskFolder(folder_of(tmp_path, masks)))


def test_a_long_list_is_cut_in_messages_alone():
    skipped = SkippedSamples()
    for k in range(NAMED + 3):
        skipped.add(SampleError(f"{k}.png", "empty"))
        skipped.add(SampleError(f"{k}.png", "empty"))
    assert len(skipped.all()) == NAMED + 3
    assert str(skipped).endswith("and 3 more")

"""The base set: frozen, its two parts apart, and replaced by a folder."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from click99_training import base
from click99_training.base import MOST_MASKS, SHIPPED, open_base
from click99_training.datasets.folders import MaskFolder
from click99_training.datasets.skipped_samples import SkippedSamples, readable
from click99_training.learning.snapshots import save
from click99_training.recipes import FINETUNE
from tests.training.rows import rows


def test_what_ships_is_whole_and_small():
    shipped, skipped = open_base(None), SkippedSamples()
    assert len(list(readable(shipped.gate, skipped))) == len(shipped.gate) >= 30
    assert len(list(readable(shipped.train, skipped))) == len(shipped.train) >= 50
    assert not skipped.reasons
    assert sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()) < 4e6


def test_no_picture_is_both_learnt_and_judged_by():
    shipped = open_base(None)
    train, gate = ({sample.image.tobytes() for sample in data} for data in (shipped.train, shipped.gate))
    assert not train & gate


def test_training_also_draws_composites():
    data, rng = open_base(None).train, np.random.default_rng(0)
    drawn = {data.draw(rng, FINETUNE).image.tobytes() for _ in range(20)}
    assert len(drawn - {sample.image.tobytes() for sample in data}) > 3


def test_every_photograph_may_be_passed_on():
    photographs = rows(SHIPPED / "photographs.csv")
    assert all(re.fullmatch(r"public domain|CC0 1\.0|CC BY \d\.0", row["licence"]) for row in photographs)
    assert all(row["author"] and row["from"] for row in photographs)
    listed = {row["file"] for row in rows(SHIPPED / "manifest.csv")}
    assert {f"images/{row['picture']}.jpg" for row in photographs} <= listed


def test_a_changed_base_set_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    copy = Path(shutil.copytree(SHIPPED, tmp_path / "base"))
    monkeypatch.setattr(base, "SHIPPED", copy)
    assert open_base(None)
    file = copy / "masks" / "rocket.png"
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ValueError, match=r"rocket\.png is not as it was shipped.*CLICK99_BASE_DATA"):
        open_base(None)


def folder_of(folder: Path, count: int) -> Path:
    for k in range(count):
        save(folder / "images" / f"{k:03}.png", np.full((20, 20, 3), k % 256, np.uint8))
        save(folder / "masks" / f"{k:03}.png", np.eye(20, dtype=np.uint8) * np.uint8(255))
    return folder


def test_a_folder_replaces_it(tmp_path: Path):
    own = open_base(folder_of(tmp_path / "own", 12))
    assert [sample.name for sample in own.gate] == ["000", "005", "010"]
    assert {sample.name for sample in own.train} == {f"{k:03}" for k in range(12) if k % 5}


@pytest.mark.slow("judges for a while")
def test_the_gate_takes_no_more_than_it_can_judge_in_minutes(tmp_path: Path):
    folder = folder_of(tmp_path / "own", 5 * MOST_MASKS + 50)
    assert len(open_base(folder).gate) == MOST_MASKS
    assert len(MaskFolder(folder)) == 5 * MOST_MASKS + 50


def test_a_manifest_s_splits_are_taken(data_folder: Path):
    own = open_base(data_folder)
    assert (len(own.train), len(own.gate)) == (3, 1)


@pytest.mark.parametrize(("count", "message"), [(4, "at least 5"), (0, "does not hold")])
def test_too_little_is_refused(tmp_path: Path, count: int, message: str):
    folder_of(tmp_path, count)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        open_base(tmp_path)

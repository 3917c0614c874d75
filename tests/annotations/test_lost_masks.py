"""The list of annotations that lost a mask."""

from __future__ import annotations

from pathlib import Path

import pytest

from click99.annotations import lost_masks
from click99.annotations.lost_masks import LostMasks


def test_what_is_added_stays_until_it_is_removed(tmp_path: Path):
    LostMasks(tmp_path).add(12)
    LostMasks(tmp_path).add(7)
    LostMasks(tmp_path).add(7)
    assert LostMasks(tmp_path).all() == [7, 12]
    LostMasks(tmp_path).remove(7)
    LostMasks(tmp_path).remove(99)
    assert LostMasks(tmp_path).all() == [12]


def test_it_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lost_masks, "MOST_ANNOTATIONS", 2)
    for annotation in range(5):
        LostMasks(tmp_path).add(annotation)
    assert LostMasks(tmp_path).all() == [0, 1]


def test_a_home_that_takes_nothing_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "unaccepted").write_text("no folder")
    LostMasks(tmp_path).add(7)
    assert "annotation 7 is not noted" in caplog.text

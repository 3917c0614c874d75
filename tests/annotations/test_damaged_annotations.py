"""The list of annotations that lost a mask."""

from __future__ import annotations

from pathlib import Path

import pytest

from click99.annotations import damaged_annotations
from click99.annotations.damaged_annotations import DamagedAnnotations


def test_what_is_added_stays_until_it_is_removed(tmp_path: Path):
    DamagedAnnotations(tmp_path).add(12)
    DamagedAnnotations(tmp_path).add(7)
    DamagedAnnotations(tmp_path).add(7)
    assert DamagedAnnotations(tmp_path).all() == [7, 12]
    DamagedAnnotations(tmp_path).remove(7)
    DamagedAnnotations(tmp_path).remove(99)
    assert DamagedAnnotations(tmp_path).all() == [12]


def test_it_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(damaged_annotations, "MOST_ANNOTATIONS", 2)
    for annotation in range(5):
        DamagedAnnotations(tmp_path).add(annotation)
    assert DamagedAnnotations(tmp_path).all() == [0, 1]


def test_a_home_that_takes_nothing_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "unaccepted").write_text("no folder")
    DamagedAnnotations(tmp_path).add(7)
    assert "annotation 7 is not noted" in caplog.text

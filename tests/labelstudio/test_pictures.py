"""The pictures of a folder, and why there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from click99.labelstudio.pictures import pictures_in


def test_pictures_are_told_by_their_endings(tmp_path: Path):
    (tmp_path / "more.png").mkdir()
    for name in ("b.PNG", "a.jpeg", "notes.txt", "more.png/c.tif"):
        (tmp_path / name).write_bytes(b"pixels")
    assert pictures_in(tmp_path) == [tmp_path / "a.jpeg", tmp_path / "b.PNG"]
    assert pictures_in(tmp_path, inside=True)[-1] == tmp_path / "more.png/c.tif"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none", "none: there is no such folder"),
        ("empty", "empty: no files, and no pictures there. Name a folder with .jpg, "),
        ("texts", "texts: 1 files, but no pictures there"),
        ("texts/notes.txt", "notes.txt: it is a file"),
    ],
)
def test_why_there_are_none_is_told(tmp_path: Path, name: str, said: str):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/notes.txt").write_text("none")
    with pytest.raises(ValueError, match=said):
        pictures_in(tmp_path / name)

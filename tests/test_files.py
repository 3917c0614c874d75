"""Files that take another's place: whole, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from click99.files import replacing


@pytest.mark.parametrize("durable", [True, False])
def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path, durable: bool):
    path = tmp_path / "new folder" / "a.json"
    for content in (b"old", b"new"):
        with replacing(path, mode=0o600, durable=durable) as file:
            file.write(content)
            assert not path.exists() or path.read_bytes() == b"old"
        assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_alone(tmp_path: Path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(TypeError), replacing(tmp_path / "a") as file:
        file.writelines([b"half of", None])  # pyright: ignore
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("a", "old")]


def test_a_full_disk_is_told_with_the_file_s_name(tmp_path: Path):
    with pytest.raises(OSError, match=rf"No space left.*: '{tmp_path}/a'"), replacing(tmp_path / "a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.iterdir())


def test_another_file_s_error_keeps_its_name(tmp_path: Path):
    with pytest.raises(OSError, match="missing"), replacing(tmp_path / "a"):
        (tmp_path / "missing").read_bytes()

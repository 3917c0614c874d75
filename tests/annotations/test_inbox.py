"""Events that wait on the disk."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from click99.annotations.inbox import Inbox, received_at


def test_what_is_put_in_comes_out_in_order_and_outlives_its_process(tmp_path: Path):
    before = datetime.now(UTC)
    bodies = [b"first", b"second", b"first"]
    for body in bodies:
        Inbox(tmp_path / "events").put(body)
        time.sleep(0.001)
    files = [*Inbox(tmp_path / "events")]
    assert [file.read_bytes() for file in files] == bodies
    moments = [received_at(file) for file in files]
    assert before <= moments[0] < moments[1] < moments[2] <= datetime.now(UTC)


def test_a_file_that_is_still_written_is_no_event(tmp_path: Path):
    inbox = Inbox(tmp_path)
    inbox.put(b"whole")
    (tmp_path / ".half.json.unfinished").touch()
    assert len(inbox) == len([*inbox]) == 1


def test_no_folder_is_no_event_and_no_room_an_error(tmp_path: Path):
    assert len(Inbox(tmp_path / "none")) == 0
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Inbox(tmp_path / "file").put(b"event")

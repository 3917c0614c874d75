"""What no database took, on the disk."""

from __future__ import annotations

import json
from pathlib import Path

from click99.annotations.dead_letters import DeadLetters
from tests.annotations.examples import NOON


def test_it_is_one_line_that_tells_all(tmp_path: Path):
    DeadLetters.at(tmp_path).keep(
        "click", "out of range", {"mask": b"\x00\xff", "asked_at": NOON, "x": 2**70}
    )
    (file,) = DeadLetters.at(tmp_path)
    (line,) = file.read_text().splitlines()
    assert json.loads(line) == {
        "kind": "click",
        "reason": "out of range",
        "mask": "AP8=",
        "asked_at": "2026-01-01 12:00:00+00:00",
        "x": 2**70,
    }

"""What a fine-tune tells of itself."""

from __future__ import annotations

import json
from pathlib import Path

from click99_training.learning.progress import EVERY, SPANS, Progress


def test_shares_of_phases_are_shares_of_the_whole(tmp_path: Path):
    progress, shares = Progress(tmp_path / "progress.json"), []
    for phase in SPANS:
        progress.tell(phase, 0.5, 10.4, phase)
        told = json.loads((tmp_path / "progress.json").read_text())
        assert (told["phase"], told["message"], told["seconds_left"]) == (phase, phase, 10)
        shares.append(told["share"])
    assert shares == [0.01, 0.435, 0.925, 1.0]


def test_within_a_phase_it_is_written_now_and_then_and_facts_at_once(tmp_path: Path):
    progress = Progress(tmp_path / "progress.json")

    def written() -> dict:
        return json.loads((tmp_path / "progress.json").read_text())

    progress.tell("training", 0.1, 0, "begun")
    progress.tell("training", 0.2, 0, "goes on")
    assert written()["message"] == "begun"
    progress.written -= EVERY
    progress.tell("training", 1.7, 0, "late")
    assert (written()["message"], written()["share"]) == ("late", 0.85)
    progress.tell("training", 1, 0, "made", candidate="compact-1")
    assert (written()["candidate"], written()["promoted"]) == ("compact-1", None)

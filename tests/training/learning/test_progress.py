"""What a fine-tune tells of itself."""

from __future__ import annotations

import json
from pathlib import Path

from click99_training.learning.progress import EVERY, SPANS, Progress


def test_shares_of_phases_are_shares_of_the_whole(tmp_path: Path):
    progress, shares = Progress(tmp_path), []
    for phase in SPANS:
        progress.tell(phase, 0.5, 10.4, phase)
        told = json.loads((tmp_path / "progress.json").read_text())
        assert (told["phase"], told["message"], told["seconds_left"]) == (phase, phase, 10)
        shares.append(told["share"])
    assert shares == [0.01, 0.41, 0.9, 1.0, 1.0, 0.51, 1.0]


def test_within_a_phase_it_is_written_now_and_then_and_facts_at_once(tmp_path: Path):
    progress = Progress(tmp_path)

    def written() -> dict:
        return json.loads((tmp_path / "progress.json").read_text())

    progress.tell("training", 0.1, 0, "begun")
    progress.tell("training", 0.2, 0, "goes on")
    assert written()["message"] == "begun"
    progress.written -= EVERY
    progress.tell("training", 1.7, 0, "late")
    assert (written()["message"], written()["share"]) == ("late", 0.8)
    progress.tell("training", 1, 0, "made", candidate="compact-1")
    assert (written()["candidate"], written()["promoted"]) == ("compact-1", None)


def test_the_page_says_what_is_done_and_draws_no_empty_axes(tmp_path: Path):
    progress, page = Progress(tmp_path), tmp_path / "curves.html"
    progress.tell("training", 0.5, 0, "fold 1 of 2")
    assert "<h1>Fine-tuning: Training, 41%</h1>" in page.read_text()
    assert "refresh" in page.read_text()
    assert "<svg" not in page.read_text()
    (tmp_path / "fold-1").mkdir()
    rows = ["images,loss,iou_0,iou_1", "24,0.5,0,0.6", "48,0.4,0,0.7"]
    (tmp_path / "fold-1" / "log.csv").write_text("\n".join(rows))
    progress.tell("gate", 0.5, 0, "6 masks judged")
    assert "<h1>Fine-tuning: Judging, 90%</h1>\n<p>6 masks judged</p>" in page.read_text()
    assert "<svg" in page.read_text()
    progress.tell("done", 1, 0, "not better: <0", promoted=False)
    assert "<h1>Not promoted</h1>\n<p>not better: &lt;0</p>" in page.read_text()
    assert "refresh" not in page.read_text()

"""The gate's rule."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from click99.segmentation.checkpoint import SHIPPED, load_checkpoint
from click99.segmentation.predictor import Predictor
from click99.segmentation.views import WholeView
from click99_training.datasets.dataset import Subset
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.folds import folds
from click99_training.learning.gate import FEWEST_BASE, Decision, decide, judge
from tests.training.learning.comparisons import verdicts
from tests.training.snapshot import write_snapshot

SAME = verdicts([3, 4, 5, 3, 4, 5], [3, 4, 5, 3, 4, 5])
BETTER = verdicts([9, 8, 10, 7, 9, 8], [4, 4, 5, 3, 4, 5])
CHANCE = verdicts([5, 5, 4, 4, 5, 5], [1, 5, 4, 5, 4, 5])
FORGOT = verdicts([3, 4, 5, 3, 4, 5], [3, 4, 5, 3, 6, 6])


@pytest.mark.parametrize(
    ("collected", "base", "promoted", "reason"),
    [
        (BETTER, SAME, True, r"better: \+0.165 IoU .* on 6 images; -51% clicks to 90 %; \+0.000 IoU on the"),
        (CHANCE, SAME, False, r"not surely better: \+0.060 .*\. About 29 images would do"),
        (SAME, SAME, False, "not better"),
        (BETTER, FORGOT, False, r"it forgets: -0\.045 IoU on the base set \(0\.01 allowed\)"),
    ],
)
def test_only_what_is_surely_better_and_forgets_nothing_is_promoted(collected, base, promoted, reason):
    decision = decide(collected, base, 6)
    assert decision.promoted is promoted
    assert re.search(reason, decision.reason), decision.reason


def test_what_is_promising_challenges():
    pairs = [(CHANCE, SAME), (SAME, SAME), (BETTER, SAME), (BETTER, FORGOT)]
    decisions = [decide(collected, base, 6) for collected, base in pairs]
    assert [each.challenges for each in decisions] == [True, False, False, False]


def test_the_decision_is_told_and_kept():
    console = Console(width=80, record=True, file=StringIO())
    decision = decide(BETTER, SAME, 6)
    console.print(decision.table())
    told = " ".join(console.export_text().split())
    assert "Of what was wrong 50% was right after the click on it, now 66%" in told
    assert json.loads(json.dumps(decision.to_json()))["by_learnt"] == {"collected": 1, "base": 1}


@pytest.fixture
def network() -> Predictor:
    return Predictor(load_checkpoint(SHIPPED), "a", view=WholeView())


def judged(
    network: Predictor, snapshot: SnapshotDataset, seconds: float
) -> tuple[Decision, list[tuple[str, float]]]:
    """By itself, with all of the snapshot as the base set, too; what was told."""
    told: list[tuple[str, float]] = []
    base = Subset(snapshot, list(range(len(snapshot))))
    parts = folds(snapshot)
    decision = judge(network, [network] * 2, network, parts, base, seconds, lambda *line: told.append(line))
    return decision, told


@pytest.mark.slow("evaluates")
def test_a_network_is_not_better_than_itself(tmp_path: Path, network: Predictor):
    snapshot = SnapshotDataset(write_snapshot(tmp_path / "snapshot", images=7))
    decision, told = judged(network, snapshot, 1000)
    assert not decision.promoted
    assert decision.gain.mean == decision.collected.change == 0
    assert (decision.collected.images, decision.collected.masks, decision.base.masks) == (7, 35, 7)
    lines, shares = zip(*told, strict=True)
    expected = (42, "1 corrected masks judged", "6 masks of the base set judged")
    assert (len(lines), lines[1], lines[-1]) == expected
    assert list(shares) == sorted(shares)
    assert 0 <= min(shares) <= max(shares) <= 1


@pytest.mark.slow("evaluates")
def test_without_time_the_fewest_images_judge(tmp_path: Path, network: Predictor):
    snapshot = SnapshotDataset(write_snapshot(tmp_path / "snapshot", images=14))
    decision, _ = judged(network, snapshot, 0)
    assert "on 6 of 14 images, for want of minutes" in decision.reason
    assert (decision.collected.masks, decision.base.masks) == (6, FEWEST_BASE)

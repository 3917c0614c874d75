"""The gate's rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from click99.segmentation.checkpoint import SHIPPED, load_checkpoint
from click99.segmentation.predictor import Predictor
from click99.segmentation.views import WholeView
from click99_training.datasets.dataset import Subset
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.compare import compare
from click99_training.learning.gate import FEWEST, GateError, decide, judge, refuse_few
from tests.training.learning.comparisons import BETTER, SAME, reaching
from tests.training.snapshot import write_snapshot

CHANCE = compare(reaching([9, 8, 10, 7, 9, 8]), reaching([2, 12, 8, 9, 8, 9]))
FORGOT = compare(reaching([3, 4, 5, 3, 4, 5]), reaching([3, 4, 5, 3, 6, 6]))


@pytest.mark.parametrize(
    ("collected", "base", "promoted", "reason"),
    [
        (BETTER, SAME, True, "better: -51% clicks to 90 % on 6 held-out images"),
        (CHANCE, SAME, False, "not surely better"),
        (SAME, SAME, False, "not surely better"),
        (BETTER, FORGOT, False, r"it forgets: .* \+12\.5% on the base set \(5% allowed\)"),
    ],
)
def test_only_what_is_surely_better_and_forgets_nothing_is_promoted(collected, base, promoted, reason):
    decision = decide(collected, base)
    assert decision.promoted is promoted
    assert re.search(reason, decision.reason)


def test_too_few_held_out_images_are_refused_with_the_remedy(tmp_path: Path):
    few = SnapshotDataset(write_snapshot(tmp_path / "few", held_out=FEWEST - 2), ["val"])
    with pytest.raises(GateError, match=r"only 4 .* 6 are needed.* annotate some 10 more"):
        refuse_few(few)
    refuse_few(SnapshotDataset(write_snapshot(tmp_path / "enough", held_out=FEWEST), ["val"]))


@pytest.mark.slow("evaluates")
def test_a_network_is_not_better_than_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Six masks, each clicked through twice, to be at least seven."""
    monkeypatch.setattr("click99_training.learning.gate.CLICKED", 7)
    data = SnapshotDataset(write_snapshot(tmp_path / "snapshot"), ["val"])
    predictor, ticks = Predictor(load_checkpoint(SHIPPED), "a", view=WholeView()), []
    base = Subset(data, [0])
    decision = judge(predictor, predictor, data, base, lambda judged, of: ticks.append((judged, of)))
    assert not decision.promoted
    assert decision.collected.change == 0
    assert (decision.collected.images, decision.collected.masks, decision.base.masks) == (6, 12, 1)
    assert (len(ticks), ticks[0], ticks[-1][1]) == (26, (0, 26), 26)

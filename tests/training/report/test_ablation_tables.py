"""Table 7, its steps with their verdicts, and the other claims."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from click99.segmentation.metrics import auc
from click99.segmentation.presets import VARIANTS
from click99_training.evaluation.results import Result
from click99_training.report import published
from click99_training.report.ablation_tables import steps_table
from tests.training.report.evaluations import result
from tests.training.rows import rows

pytestmark = pytest.mark.slow("makes a whole report")


def test_table_7_sets_published_and_measured_side_by_side(report: Path):
    table = rows(report / "table-7.csv")
    assert [(row["variant"], row["how"]) for row in table] == [
        (variant, how) for variant in VARIANTS for how in ("published", "measured")
    ]
    assert table[2]["GrabCut AuC"] == "0.9516"
    assert table[3]["GrabCut AuC"].startswith(f"{auc(result(1).ious).mean():.4f} [")


def test_claims_are_measured_against_the_whole_preset(report: Path):
    whole, bce = rows(report / "other-claims.csv")
    assert [whole["variant"], bce["variant"]] == ["+T+I+F+G", "bce"]
    assert whole["GrabCut change"] == ""
    gain = auc(result(5).ious) - auc(result(4).ious)
    assert bce["GrabCut change"].startswith(f"{gain.mean():+.4f} [")


def test_steps_are_paired_differences_with_a_verdict(report: Path):
    steps = rows(report / "steps.csv")
    assert [step["step"] for step in steps] == [f"{a} → {b}" for a, b in pairwise(VARIANTS)]
    assert steps[0]["GrabCut published"] == f"{0.9516 - 0.9121:+.4f}"
    gain = auc(result(1).ious) - auc(result(0).ious)
    assert steps[0]["GrabCut measured"].startswith(f"{gain.mean():+.4f} [")


@pytest.mark.parametrize(
    ("expected", "gains", "verdict"),
    [
        (0.02, [0.01, 0.02, 0.03], "confirmed"),
        (-0.02, [0.01, 0.02, 0.03], "contradicted"),
        (-0.02, [-0.01, -0.02, -0.01], "confirmed"),
        (0.02, [0.05, -0.04, 0.01], "open"),
    ],
)
def test_a_step_is_confirmed_where_the_interval_is_on_the_published_side(
    expected: float, gains: list[float], verdict: str
):
    before, after = result(0), result(0)
    for each, gain in zip(after.annotations, gains, strict=True):
        each.ious[:] = each.ious + gain
    assert step_verdict(expected, before, after) == verdict


def test_variants_of_different_images_are_not_compared():
    before, after = result(0), result(1)
    after.annotations.pop()
    assert step_verdict(0.1, before, after) == ""


def step_verdict(expected: float, before: Result, after: Result) -> str:
    """By the table, for a published step that goes up or down as `expected`."""
    down = published.read("ablation")[1]["grabcut AuC"] > published.read("ablation")[2]["grabcut AuC"]
    pair = ("+T", "+T+I") if (expected < 0) == down else ("baseline", "+T")
    table = steps_table({pair[0]: {"grabcut": before}, pair[1]: {"grabcut": after}})
    return next(row.cells[3] for row in table.rows if row.cells[0] == f"{pair[0]} → {pair[1]}")

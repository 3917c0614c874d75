"""Tables with what was published and what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from click99.segmentation.metrics import noc
from click99_training.report.inputs import REGIMES
from tests.training.report.evaluations import result
from tests.training.rows import rows

pytestmark = pytest.mark.slow("makes a whole report")


def test_table_6_has_the_published_numbers_and_ours_each_marked(report: Path):
    table = rows(report / "table-6.csv")
    by_system = {row["system"]: row for row in table}
    assert {row["how"] for row in table} == {"published", "measured"}
    assert by_system["Forte 2020 Synth+FT"]["Berkeley NoC@90"] == "3.04"
    ours = by_system["compact-0"]
    assert ours["how"] == "measured"
    assert ours["GrabCut NoC@90"].startswith(f"{noc(result(0).ious, 0.9).mean():.2f} [")
    assert ours["SBD NoC@85"] == ""
    assert by_system["compact-0 (ritm)"]["Berkeley NoC@90"] == ""


def test_table_8_has_the_regimes(report: Path):
    table = rows(report / "table-8.csv")
    assert [row["regime"] for row in table if row["how"] == "measured"] == list(REGIMES)
    assert table[0]["GrabCut > 99 %"] == "62"


def test_a_figures_numbers_are_those_of_the_record(report: Path):
    drawn = [float(row["mean"]) for row in rows(report / "figure-3.csv") if row["label"] == "compact-0"]
    np.testing.assert_allclose(drawn, result(0).ious.mean(0), atol=1e-4)
    shares = [row for row in rows(report / "figure-10.csv") if row["label"] == "compact-0"]
    assert len(shares) == 4 * 10
    at_95 = next(row for row in shares if (row["clicks"], row["IoU above"]) == ("20", "0.95"))
    assert float(at_95["share"]) == pytest.approx((result(0).ious[:, -1] > 0.95).mean(), abs=1e-4)


def test_a_row_for_each_size_of_objects(report: Path):
    ours = [row for row in rows(report / "by-size.csv") if row["evaluation"] == "GrabCut, compact-0"]
    assert [row["longer side over the picture's"] for row in ours] == ["0 to 1/16", "1/8 to 1/4"]
    assert ours[1]["IoU after one click"].endswith("n = 2")
    assert ours[0]["NoC@90"].startswith(f"{noc(result(0).ious[:1], 0.9).mean():.2f} [")

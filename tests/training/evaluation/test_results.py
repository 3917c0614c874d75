"""Evaluations as files: what they hold, and what is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from click99_training.evaluation import results
from tests.training.report.evaluations import result


@pytest.mark.parametrize(
    ("text", "said"), [("{", "not JSON"), ('{"images": []}', "'dataset'"), ("[]", "no evaluation")]
)
def test_what_is_no_evaluation_is_named(tmp_path: Path, text: str, said: str):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"broken.json.*{said}.*click99 evaluate"):
        results.read(path)


def test_the_figures_of_a_click_stand_in_its_row():
    annotations = result(0).annotations
    figures, rows = results.summary(annotations), results.by_click(annotations)
    assert [row["clicks"] for row in rows] == ["1", "2", "3", "5", "10", "20"]
    for row in rows:
        k = int(row["clicks"]) - 1
        assert float(row["mean IoU"]) == pytest.approx(figures["miou"][k], abs=6e-4)
        assert float(row["boundary IoU"]) == pytest.approx(figures["boundary_iou"][k], abs=6e-4)
        told = float(row["corrective accuracy"].removesuffix(" %"))
        assert told == pytest.approx(100 * figures["corrective_accuracy"][k], abs=0.11)
        assert float(row["harmed"].removesuffix(" %")) == pytest.approx(100 * figures["harmed"][k], abs=6e-3)
    assert rows[-1]["images above 90 %"] == f"{figures['share_above']['90']['20']:.0%}".replace("%", " %")


def test_a_click_that_no_image_needed_has_no_figures():
    annotation = result(0).annotations[0]
    annotation.corrected[1:] = np.nan
    rows = results.by_click([annotation])
    assert [row["corrective accuracy"] == "–" for row in rows] == [False, True, True, True, True, True]

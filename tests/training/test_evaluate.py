from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from backend.segmentation.clicks import Click
from training.datasets.benchmarks import BenchmarkDataset
from training.datasets.sample import Sample
from training.evaluate import Evaluation, annotate, report, summary


class Brush:
    """A predictor that paints a small square of the click's sign: slow, sure, and easy to foresee."""

    def refine(self, image: np.ndarray, clicks: Sequence[Click], previous: np.ndarray | None, image_key: str):
        alpha = np.zeros(image.shape[:2], np.float32) if previous is None else previous.copy()
        click = clicks[-1]
        alpha[max(0, click.y - 4) : click.y + 5, max(0, click.x - 4) : click.x + 5] = click.positive
        return alpha


def square_sample(side: int) -> Sample:
    truth = np.zeros((40, 40), bool)
    truth[10 : 10 + side, 10 : 10 + side] = True
    return Sample("square", np.zeros((40, 40, 3), np.uint8), truth, np.zeros_like(truth))


def test_a_mask_that_is_right_keeps_its_iou_to_the_last_click():
    done = annotate(Brush(), square_sample(9), None, clicks=5)  # type: ignore[arg-type]
    assert len(done.clicks) == 1
    assert done.ious.tolist() == [1.0] * 5
    assert done.corrected[0] == 1
    assert np.isnan(done.corrected[1:]).all()


def test_each_click_repairs_the_largest_wrong_region():
    done = annotate(Brush(), square_sample(18), None, clicks=20)  # type: ignore[arg-type]
    assert done.ious[0] == pytest.approx(81 / 324)
    assert (np.diff(done.ious[:5]) > 0).all()
    assert done.corrected[0] == pytest.approx(81 / 324)
    assert (done.corrected > 0).all()
    assert [click.positive for click in done.clicks[:5]] == [True] * 5


def test_the_summary_counts_clicks_and_shares():
    done = [annotate(Brush(), square_sample(side), None, clicks=20) for side in (9, 18)]  # type: ignore[arg-type]
    figures = summary(done)
    assert figures["noc@90"] == pytest.approx((1 + 20) / 2)
    assert figures["share_above"]["99"] == {"1": 0.5, "5": 0.5, "10": 0.5, "20": 0.5}
    assert len(figures["corrective_accuracy"]) == len(figures["miou"]) == 20


@pytest.mark.parametrize("lenient", [False, True])
def test_the_report_is_written_with_every_image(benchmark_folder: Path, tmp_path: Path, lenient: bool):
    report(Evaluation("tiny", benchmark_folder, None, lenient, "cpu", threads=1), tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["masks"] == len(BenchmarkDataset(benchmark_folder)) == len(written["images"])
    assert ("lenient" in written["protocol"]) is lenient
    assert 1 <= written["noc@90"] <= 20

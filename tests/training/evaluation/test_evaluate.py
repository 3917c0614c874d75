from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from click99.segmentation.clicks import Click
from click99.segmentation.metrics import noc
from click99.segmentation.robot import ROBOTS
from click99_training.datasets.folders import MaskFolder
from click99_training.datasets.sample import Sample
from click99_training.datasets.skipped_samples import SkippedSamples
from click99_training.evaluation import results
from click99_training.evaluation.evaluate import (
    MASKS_AFTER,
    Evaluation,
    annotate,
    evaluate,
    open_benchmark,
    report,
    run,
)
from click99_training.evaluation.kept import KeptLines
from click99_training.evaluation.results import summary, unpack

ROOT = Path(__file__).parents[3]


class Brush:
    """A predictor that paints a small square of the click's sign: slow, sure, and easy to foresee."""

    version = "brush"

    def __init__(self) -> None:
        self.network = SimpleNamespace(encode=time.sleep, forward=time.sleep)
        self.parts = [self]

    def for_image(self, image: np.ndarray, image_key: str, project: str = "") -> Brush:
        return self

    def refine(self, image: np.ndarray, clicks: Sequence[Click], previous: np.ndarray | None, image_key: str):
        alpha = np.zeros(image.shape[:2], np.float32) if previous is None else previous.copy()
        click = clicks[-1]
        self.network.forward(0.002)
        alpha[max(0, click.y - 4) : click.y + 5, max(0, click.x - 4) : click.x + 5] = click.positive
        return alpha


BRUSH = Brush()


def square_sample(side: int) -> Sample:
    truth = np.zeros((40, 40), bool)
    truth[10 : 10 + side, 10 : 10 + side] = True
    return Sample("square", np.zeros((40, 40, 3), np.uint8), truth, np.zeros_like(truth))


@pytest.mark.parametrize("protocol", ROBOTS)
def test_a_mask_that_is_right_keeps_its_iou_to_the_last_click(protocol: str):
    done = annotate(BRUSH, square_sample(9), ROBOTS[protocol], clicks=5)  # type: ignore[arg-type]
    assert done.clicks == [Click(14, 14, True)]
    assert done.ious.tolist() == done.boundary_ious.tolist() == [1.0] * 5
    assert [done.corrected[0], done.harmed[0], done.obeyed_pixels[0], done.obeyed_discs[0]] == [1, 0, 1, 1]
    assert np.isnan([done.corrected[1:], done.harmed[1:], done.obeyed_discs[1:]]).all()
    assert len(done.seconds) == 1


@pytest.mark.parametrize("protocol", ROBOTS)
def test_each_click_repairs_what_is_wrong(protocol: str):
    done = annotate(BRUSH, square_sample(18), ROBOTS[protocol], clicks=20)  # type: ignore[arg-type]
    assert done.ious[0] == pytest.approx(81 / 324)
    assert (np.diff(done.ious[:5]) > 0).all()
    assert done.corrected[0] == pytest.approx(81 / 324)
    assert (done.corrected[: len(done.clicks)] > 0).all()
    assert [click.positive for click in done.clicks[:5]] == [True] * 5
    assert done.masks.keys() == set(MASKS_AFTER)
    assert unpack(done.masks[1]).sum() == 81


def test_a_click_that_paints_over_the_edge_harms():
    done = annotate(BRUSH, square_sample(5), clicks=1)  # type: ignore[arg-type]
    assert done.harmed[0] == pytest.approx((81 - 25) / (40 * 40 - 25))
    assert done.ious[0] == pytest.approx(25 / 81)


def test_the_summary_counts_clicks_and_shares():
    done = [annotate(BRUSH, square_sample(side), clicks=20) for side in (9, 18)]  # type: ignore[arg-type]
    figures = summary(done)
    assert figures["noc@90"] == pytest.approx(np.mean([1, noc(done[1].ious[None], 0.9)[0]]))
    assert figures["share_above"]["99"]["1"] == 0.5
    assert figures["auc_interval"][0] <= figures["auc"] <= figures["auc_interval"][1]
    assert 0 < figures["obeyed_pixels"] < 1  # the brush paints over its own earlier clicks
    assert len(figures["corrective_accuracy"]) == len(figures["miou"]) == len(figures["boundary_iou"]) == 20


def test_an_image_without_an_object_needs_no_click():
    figures = summary([annotate(BRUSH, square_sample(0), clicks=3)])  # type: ignore[arg-type]
    assert figures["miou"] == [1, 1, 1]
    assert figures["corrective_accuracy"] == [None] * 3
    assert figures["seconds_per_click"] is None


@pytest.mark.slow("evaluates")
@pytest.mark.parametrize(("protocol", "lenient"), [("paper", False), ("ritm", True)])
def test_the_report_is_written_with_every_image(
    benchmark_folder: Path,
    tmp_path: Path,
    protocol: str,
    lenient: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    path = tmp_path / "made" / "out.json"
    monkeypatch.setenv("COLUMNS", "80")
    report(Evaluation("tiny", benchmark_folder, None, protocol, lenient, "cpu", threads=1), path)
    written, result = json.loads(path.read_text()), results.read(path)
    assert written["masks"] == len(MaskFolder(benchmark_folder)) == len(result.annotations)
    assert (result.dataset, result.protocol, result.lenient) == ("tiny", protocol, lenient)
    assert 1 <= written["noc@90"] <= 20
    assert 0 < written["network_share"] < 1
    figures = summary(result.annotations)
    for name in ("noc@90", "noc@90_interval", "auc", "miou", "boundary_iou", "seconds_per_click"):
        assert written[name] == pytest.approx(figures[name], abs=1e-3)
    for each, sample in zip(result.annotations, MaskFolder(benchmark_folder), strict=True):
        assert unpack(each.masks[20]).shape == sample.truth.shape
        assert each.clicks
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert {"clicks", "boundary", "corrective", "harmed", "99"} <= set(shown.split())
    assert shown.splitlines()[-2].split()[:2] == ["20", f"{written['miou'][-1]:.3f}"]


@pytest.mark.parametrize("lenient", [False, True])
def test_a_stopped_evaluation_goes_on_as_if_it_had_not_been(
    benchmark_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lenient: bool
):
    def stopping(predictor: Brush, sample: Sample, *more: Any) -> results.Annotation:
        annotated.append(sample.name)
        if len(annotated) == 3:
            raise KeyboardInterrupt
        return annotate(predictor, sample, *more)  # type: ignore[arg-type]

    annotated: list[str] = []
    monkeypatch.setattr("click99_training.evaluation.evaluate.Predictor.load", lambda *_: BRUSH)
    asked, path = (
        Evaluation("tiny", benchmark_folder, None, "paper", lenient, threads=1),
        tmp_path / "out.json",
    )
    report(asked, tmp_path / "whole.json")
    monkeypatch.setattr("click99_training.evaluation.evaluate.annotate", stopping)
    with pytest.raises(KeyboardInterrupt):
        report(asked, path)
    assert not path.exists()
    with (tmp_path / "out.json.part").open("a") as file:
        file.write('[{"name": "cut sh')
    report(asked, path)
    assert len(annotated) == 4, "two before it was stopped, the third twice"
    whole, again = (results.read(file).annotations for file in (tmp_path / "whole.json", path))
    assert [(each.name, each.clicks) for each in again] == [(each.name, each.clicks) for each in whole]
    assert np.array_equal(again[0].ious, whole[0].ious)
    assert not (tmp_path / "out.json.part").exists()


def test_another_question_begins_anew(tmp_path: Path):
    KeptLines(tmp_path / "out.json", ["one"]).add("done")
    assert KeptLines(tmp_path / "out.json", ["one"]).lines == ["done"]
    assert KeptLines(tmp_path / "out.json", ["other"]).lines == []
    assert KeptLines(tmp_path / "out.json", ["one"]).lines == []


@pytest.fixture
def damaged_folder(benchmark_folder: Path, tmp_path: Path) -> Path:
    """The benchmark with one image that cannot be read, of two."""
    folder = shutil.copytree(benchmark_folder, tmp_path / "damaged")
    (folder / "images" / "one.png").write_bytes(b"no picture")
    return folder


def test_what_cannot_be_read_is_passed_over_and_named(damaged_folder: Path):
    skipped = SkippedSamples()
    asked = Evaluation("mine", damaged_folder, None)
    result = run(BRUSH, open_benchmark("mine", damaged_folder), asked, skipped)  # type: ignore[arg-type]
    assert [each.name for each in result.annotations] == ["twoa", "twob"]
    assert [Path(file).name for file in skipped.reasons] == ["one.png"]
    assert 0 < result.network_share < 1
    (damaged_folder / "images" / "two.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"no sample that can be used; [23] skipped"):
        run(BRUSH, open_benchmark("mine", damaged_folder), asked, SkippedSamples())  # type: ignore[arg-type]


def test_the_repositorys_pictures_are_whole():
    samples = list(open_benchmark("pictures", ROOT / "tests" / "pictures"))
    assert [sample.name for sample in samples] == [
        *("astronaut_1", "astronaut_2", "chelsea", "coffee_1", "coffee_2", "rocket")
    ]
    for sample in samples:
        assert 0.01 < sample.truth.mean() < 0.6
        assert cv2.connectedComponents(sample.truth.astype(np.uint8))[0] == 2  # background and one object


def test_an_unknown_protocol_is_told(benchmark_folder: Path):
    with pytest.raises(ValueError, match="'clicks' is unknown, there is: paper, ritm"):
        report(Evaluation("tiny", benchmark_folder, None, "clicks"), None)


@pytest.fixture(scope="session")
def isegeval_evaluate() -> Iterator[Callable]:
    """The PyPI package isegeval: it asks for numpy 1, works with 2, so it comes without its dependencies."""
    folder = ROOT / ".venv-isegeval"
    if not (folder / "isegeval").exists():
        packages = ["isegeval==0.1.0", "tqdm"]
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            folder,
            *packages,
        ]
        subprocess.run(command, check=True)
    sys.path.append(str(folder))
    yield importlib.import_module("isegeval").evaluate
    sys.path.remove(str(folder))


class IsegevalBrush:
    """The brush as isegeval asks for it."""

    def get_model(self, image: np.ndarray) -> IsegevalBrush:
        self.image, self.clicks, self.mask = image, [], None
        return self

    def predict(self, click) -> np.ndarray:
        self.clicks.append(Click(int(click.x), int(click.y), bool(click.is_positive)))
        self.mask = BRUSH.refine(self.image, self.clicks, self.mask, "")
        return self.mask > 0.5


def scattered_sample(seed: int) -> Sample:
    """One to two dozen squares of the brush's size or a row less, with specks of void."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((60, 72), bool)
    for place in rng.permutation(30)[: 1 + seed]:
        top, left = 12 * np.array(divmod(place, 6)) + rng.integers(0, 3, 2)
        truth[top : top + rng.choice([8, 9, 9]), left : left + 9] = True
    void = (rng.random(truth.shape) < 0.05) & ~truth
    return Sample(str(seed), np.zeros((60, 72, 3), np.uint8), truth, void)


@pytest.mark.slow("evaluates")
def test_noc_by_ritms_protocol_is_isegevals(isegeval_evaluate: Callable):
    samples = [scattered_sample(seed) for seed in range(24)]
    ious = np.stack([each.ious for each in evaluate(BRUSH, samples, "ritm")])  # type: ignore[arg-type]
    counts = noc(ious, 0.9)
    assert counts.min() < 5
    assert counts.max() == 20
    truths = [(sample.image, np.where(sample.void, -1, sample.truth.astype(int))) for sample in samples]
    assert counts.mean() == pytest.approx(
        isegeval_evaluate(truths, IsegevalBrush(), threshold=0.9, max_clicks=20)
    )

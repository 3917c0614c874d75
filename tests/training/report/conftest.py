"""A report that is given everything."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from click99.cli import app
from click99.segmentation.presets import VARIANTS
from click99_training.evaluation import results
from click99_training.report.inputs import REGIMES
from tests.training.report.evaluations import result


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that a report can be made from, but pictures."""
    folder = tmp_path_factory.mktemp("given")
    results.write(result(0), folder / "grabcut.json")
    results.write(result(0, "berkeley"), folder / "berkeley.json")
    results.write(result(0, protocol="ritm"), folder / "ritm.json")
    results.write(result(9, "mine"), folder / "mine.json")
    for k, variant in enumerate([*VARIANTS, "bce"]):
        results.write(result(k), folder / "ablation" / f"{variant}.grabcut.json")
        results.write(result(k, "berkeley"), folder / "ablation" / f"{variant}.berkeley.json")
    for k, regime in enumerate(REGIMES):
        results.write(result(k), folder / "regimes" / f"{regime}.grabcut.json")
    cv2.imwrite(str(folder / "sheet.png"), np.full((40, 90, 3), 200, np.uint8))
    (folder / "log.csv").write_text(
        "images,side,unix_time,loss,iou_0,iou_1\n200,160,1,0.9,0.1,0.6\n400,160,2,0.8,0.1,0.7\n"
    )
    return folder


@pytest.fixture(scope="session")
def report(given: Path, benchmark_folder: Path) -> Path:
    """The folder that `click99 report` leaves when it is given everything."""
    out = given / "report"
    evaluations = [str(given / f"{name}.json") for name in ("grabcut", "berkeley", "ritm", "mine")]
    folders = ["--ablation", str(given / "ablation"), "--regimes", str(given / "regimes")]
    pictures = ["--data", f"grabcut={benchmark_folder}", "--composites", str(given / "sheet.png")]
    command = [
        "report",
        *evaluations,
        *folders,
        *pictures,
        "--log",
        str(given / "log.csv"),
        "--out",
        str(out),
    ]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    return out

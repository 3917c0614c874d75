"""The walk of docs/tutorials/walk.md without its installation and its fine-tune, on two pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from docs.walk import stages
from docs.walk.stages import Pictures, Walk
from docs.walk.table import AROUND, ONCE
from tests.e2e.browser import new_page
from tests.e2e.running_demo import ROOT, RunningDemo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_from_the_try_page_to_coco(
    demo: RunningDemo, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "ANSWERED", 120)  # the measured walk has the machine to itself
    base, data = ROOT / "training" / "click99_training" / "base", tmp_path / "data"
    for k in range(3):
        for file in (f"images/composite_{k}.jpg", f"masks/composite_{k}.png"):
            (data / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(base / file, data / file)
    pictures = Pictures(data, "thing", 2)
    pictures.copy_to(tmp_path / "photos")
    pictures.write_boxes(tmp_path / "boxes.csv")
    with new_page(browser) as page:  # the walk logs in by itself
        walk = Walk(ROOT, tmp_path, demo, page, pictures)
        for step in (walk.try_page, walk.connect, walk.preannotate, walk.correct, walk.statistics, walk.coco):
            step()
    said = {stage.name: stage.said for stage in walk.stages}
    assert said["connect"].startswith("3 pictures; a click answered with brushlabels")
    assert said["preannotate"].startswith("2 masks")
    masks, told = said["coco"].split(" ", 1)
    assert (int(masks) >= 2, told) == (True, "masks, read back by pycocotools"), "one may be begun anew"
    (corrected,) = [stage.gestures for stage in walk.stages if stage.name == "correct"]
    assert corrected.lines == (), "no key but Ctrl and Alt"
    assert corrected.clicks >= ONCE + 2 * AROUND
    assert len([*tmp_path.glob("walk-*.png")]) == 3

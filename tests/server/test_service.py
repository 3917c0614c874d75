"""What the service tells and counts beside its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from click99.annotations.damaged_annotations import DamagedAnnotations
from click99.server.answering import Answering
from click99.sessions.sessions import SupersededError
from tests.server.annotator import Annotator
from tests.server.requests import CONFIG, as_click, body, counted, keypoint


def test_a_click_that_was_overtaken_is_no_error(server: TestClient, monkeypatch: pytest.MonkeyPatch):
    def overtaken(*_: Any) -> None:
        raise SupersededError

    monkeypatch.setattr(Answering, "answer", overtaken)
    (answer,) = server.post("/predict", json=body([keypoint("a", 20, 20)])).json()["results"]
    assert (answer["result"], answer["model_version"]) == ([], "discs-1")
    assert counted(server, "click99_superseded_total") == 1


def test_a_lost_mask_is_logged_counted_and_noted(
    server: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    ann = Annotator(server)
    ann.click(20, 20)
    ann.click(30, 20)
    ann.submit_and_tell()
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    for part in ("Task 3", "annotation 9", "2 clicks on 'cell'", "click99 recover"):
        assert part in record.getMessage()
    assert counted(server, "click99_unaccepted_total") == 1
    assert DamagedAnnotations(tmp_path).all() == [9]
    ann.canvas = {}
    ann.submit_and_tell("ANNOTATION_UPDATED")
    assert DamagedAnnotations(tmp_path).all() == []


def test_a_mask_saved_twice_is_logged_counted_and_noted(
    server: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    ann = Annotator(server)
    ann.click(20, 20)
    ann.accept()
    (region,) = ann.regions
    ann.canvas["twice"] = as_click(ann.canvas[region])
    ann.submit_and_tell()
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    for part in ("Task 3", "annotation 9", "1 masks are saved twice", "click99 recover"):
        assert part in record.getMessage()
    assert counted(server, "click99_doubled_total") == 1
    assert DamagedAnnotations(tmp_path).all() == [9]
    del ann.canvas["twice"]
    ann.submit_and_tell("ANNOTATION_UPDATED")
    assert DamagedAnnotations(tmp_path).all() == []


def test_an_event_cannot_name_files(server: TestClient, tmp_path: Path):
    victim = tmp_path / "victim"
    victim.touch()
    event = {
        "action": "ANNOTATION_CREATED",
        "project": {"id": 1, "label_config": CONFIG},
        "task": {"id": 3},
        "annotation": {"id": "../victim", "result": []},
    }
    assert server.post("/webhook", json=event).status_code == 200
    assert victim.exists()


@pytest.mark.parametrize("way", ["in the bar", "on the canvas", "on the canvas, over a region"])
def test_an_accepted_mask_is_not_lost(server: TestClient, way: str, caplog: pytest.LogCaptureFixture):
    ann = Annotator(server)
    ann.click(20, 20)
    if way == "on the canvas, over a region":
        ann.accept()
        ann.click(32, 20)
    ann.accept() if way == "in the bar" else ann.accept_on_canvas()
    ann.submit_and_tell()
    assert counted(server, "click99_unaccepted_total") == 0
    assert "recover" not in caplog.text

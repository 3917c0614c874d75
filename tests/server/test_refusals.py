"""What was refused is kept for `click99 doctor`."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from click99.labelstudio.errors import ImageUnavailableError, LabelConfigError, PayloadError
from click99.server import refusals
from click99.server.refusals import LONGEST, Refusals
from tests.server.requests import body, keypoint

ERROR = PayloadError("field", "wrong", "Mend it")


def test_a_click_that_is_refused_is_noted(server: TestClient, tmp_path: Path):
    request = body([keypoint("a", 20, 20)], label_config="<View/>")
    assert server.post("/predict", json=request).status_code == 422
    (noted,) = Refusals(tmp_path).since(0)
    assert noted.kind == LabelConfigError.__name__
    assert noted.message in server.post("/predict", json=request).json()["detail"]


@pytest.mark.parametrize("context", [{"result": []}, {"result": None}, {}])
def test_an_empty_request_is_answered_and_no_refusal(server: TestClient, tmp_path: Path, context: dict):
    """Label Studio sends it when an annotation is submitted before its mask was accepted."""
    reply = server.post("/predict", json=body(None, params={"context": context}))
    assert reply.status_code == 200
    (prediction,) = reply.json()["results"]
    assert prediction["result"] == []
    assert Refusals(tmp_path).since(0) == []


def test_the_newest_of_each_kind_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refusals, "PAUSE", 0)
    noting = Refusals(tmp_path)
    for error in (
        ERROR,
        ImageUnavailableError("image", "gone", "x"),
        PayloadError("a", "b\n\x1b[1m", "c" * 999),
    ):
        noting.note(error)
    found = {each.kind: each.message for each in Refusals(tmp_path).since(time.time() - 60)}
    assert found["ImageUnavailableError"] == "image: gone. x"
    assert len(found) == 2
    assert len(found["PayloadError"]) == LONGEST
    assert "\n" not in found["PayloadError"]
    assert Refusals(tmp_path).since(time.time() + 60) == []


def test_a_storm_writes_once_a_second(tmp_path: Path):
    noting = Refusals(tmp_path)
    noting.note(ERROR)
    noting.note(PayloadError("other", "wrong", "Mend it"))
    assert [each.message for each in noting.since(0)] == [str(ERROR)]


def test_a_folder_that_takes_nothing_costs_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    (tmp_path / "refused").write_text("a file")
    Refusals(tmp_path).note(ERROR)
    assert "a refusal is not noted" in caplog.text
    assert Refusals(tmp_path).since(0) == []

"""The opening of a task: its image is made ready, and nothing is predicted."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from click99.labelstudio.payloads import PredictRequest
from click99.server.service import Service
from click99.server.settings import Settings
from click99.server.warming import QUEUE
from tests.disc_painter import DiscPainter
from tests.server.requests import body, data_uri, encoded, keypoint
from tests.waiting import until


def test_opening_a_task_predicts_nothing_and_warms_its_image(server: TestClient, painter: DiscPainter):
    assert server.post("/predict", json=body(None)).json() == {"results": [[]]}
    until(lambda: painter.prepared)
    assert painter.steps == []
    assert server.post("/predict", json=body([keypoint("a", 20, 20)])).json()["results"]
    assert len(painter.prepared) == 1


def test_a_batch_of_tasks_predicts_nothing_and_warms_nothing(server: TestClient, painter: DiscPainter):
    tasks = [body(None)["tasks"][0] | {"id": k} for k in range(3)]
    assert server.post("/predict", json=body(None, tasks=tasks)).json() == {"results": [[], [], []]}
    assert painter.prepared == []


def test_opening_a_task_whose_image_is_broken_is_no_error(
    server: TestClient, caplog: pytest.LogCaptureFixture
):
    response = server.post("/predict", json=body(None, image=data_uri(b"no image")))
    assert response.json() == {"results": [[]]}
    until(lambda: "Task 3 is not ready for clicks" in caplog.text)


def test_of_many_tasks_that_are_opened_at_once_few_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    painter, go_on = DiscPainter(), threading.Event()

    def prepare(image: np.ndarray, key: str) -> None:
        go_on.wait(20)
        painter.prepared.append(key)

    monkeypatch.setattr(painter, "prepare", prepare)
    service = Service(Settings(home=tmp_path), painter)

    def open_task(side: int) -> None:
        service.predict(PredictRequest.model_validate(body(None, data_uri(encoded(side, side)))))

    for side in range(1, 2 * QUEUE + 1):
        open_task(side)
    go_on.set()
    until(lambda: len(painter.prepared) == QUEUE)
    open_task(100)
    until(lambda: len(painter.prepared) > QUEUE)
    assert len(painter.prepared) == QUEUE + 1, "they are made ready in order: none of the others waited"
    service.close()

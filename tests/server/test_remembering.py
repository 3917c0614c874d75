"""First clicks profit from what the project has accepted: over HTTP, taught by events alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import func, select

from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import LessonRow
from click99.labelstudio import brush
from click99.memory.lessons import forget
from click99.segmentation.metrics import iou
from click99.server import remembering
from tests.map_painter import HEIGHT, WIDTH, MapPainter, roads
from tests.server.requests import Start, body, data_uri, keypoint
from tests.waiting import until

MADE_AT = "2026-01-01T00:00:00Z"


@pytest.fixture
def painter() -> MapPainter:
    return MapPainter()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(remembering, "QUIET_SECONDS", 0.01)


@pytest.fixture
def lessons(tmp_path: Path) -> Iterator[Any]:
    """How many masks were learnt from."""
    database = Database(sqlite_url(tmp_path))

    def lessons() -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(LessonRow)) or 0

    yield lessons
    database.close()


def picture(task: int) -> str:
    file = BytesIO()
    Image.fromarray(roads(task)[0]).save(file, "PNG")
    return data_uri(file.getvalue())


def click(server: TestClient, task: int, project: int = 1, count: int = 1) -> tuple[dict[str, Any], float]:
    """The answer to the first click on a picture's stripes, or to some, and its IoU."""
    truth = roads(task)[1]
    places = np.argwhere(truth)[:: max(1, truth.sum() // count)][:count]
    items = [keypoint(f"{project}.{task}.{k}", x + 0.5, y + 0.5) for k, (y, x) in enumerate(places)]
    request: dict[str, Any] = body(items, picture(task)) | {"project": f"{project}.1767225600"}
    request["tasks"][0]["id"] = task
    reply = server.post("/predict", json=request)
    assert reply.status_code == 200, reply.text
    (region,) = reply.json()["results"][0]["result"]
    return region, iou(brush.decode(region["value"]["rle"], HEIGHT, WIDTH) > 127, truth)


def accept(server: TestClient, task: int, project: int = 1) -> None:
    """Click, correct the mask by hand to be right, and submit."""
    region, _ = click(server, task, project)
    region["value"]["rle"] = brush.encode(roads(task)[1].view(np.uint8) * np.uint8(255))
    region["origin"] = "prediction-changed"
    annotation = {"id": task, "task": task, "updated_at": datetime.now(UTC).isoformat(), "result": [region]}
    told = {"action": "ANNOTATION_CREATED", "project": {"id": project, "created_at": MADE_AT}}
    told |= {"annotation": annotation, "task": {"id": task, "data": {"image": picture(task)}}}
    assert server.post("/webhook", json=told).status_code == 200


def teach(server: TestClient, lessons: Any, masks: int = 4) -> None:
    for task in range(1, masks + 1):
        accept(server, task)
        until(lambda task=task: lessons() == task)


@pytest.mark.slow("annotates several pictures")
def test_the_fifth_first_click_is_right_and_the_first_was_not(start: Start, lessons: Any):
    server = start()
    assert click(server, 1)[1] < 0.5
    teach(server, lessons)
    until(lambda: click(server, 50)[1] > 0.95 or click(server, 51)[1] > 0.95)


@pytest.mark.parametrize("memory", ["off", "picture"])
def test_it_can_be_switched_off(start: Start, lessons: Any, memory: str):
    teach(start(), lessons)
    assert click(start(memory=memory), 50)[1] < 0.5


def test_another_project_knows_nothing_of_it(start: Start, lessons: Any):
    server = start()
    teach(server, lessons)
    assert click(server, 50, project=2)[1] < 0.5


def right(server: TestClient, task: int) -> bool:
    """Whether the memory is there by now: asked with one picture after the other, since an object keeps what
    it was begun with."""
    right.asked += 1  # pyright: ignore[reportFunctionMemberAccess]
    return click(server, 1000 * task + right.asked)[1] > 0.95  # pyright: ignore[reportFunctionMemberAccess]


right.asked = 0  # pyright: ignore[reportFunctionMemberAccess]


def test_a_restart_remembers(start: Start, lessons: Any):
    teach(start(), lessons)
    server = start()
    until(lambda: right(server, 7))


@pytest.mark.slow("annotates several pictures")
def test_an_object_keeps_what_it_was_begun_with_whatever_is_learnt_or_forgotten(
    start: Start, lessons: Any, tmp_path: Path
):
    server = start()
    before = [click(server, 60, count=count)[0]["value"]["rle"] for count in (1, 2)]
    teach(server, lessons)
    until(lambda: right(server, 8))
    later = [click(server, 70, count=count)[0]["value"]["rle"] for count in (1, 2)]
    with Database(sqlite_url(tmp_path)).writing() as session:
        forget(session, "1.1767225600", "cell", datetime.now(UTC))
    restarted = start(state_mb=1)
    for again in (server, restarted):
        assert [click(again, 60, count=count)[0]["value"]["rle"] for count in (1, 2)] == before
        assert [click(again, 70, count=count)[0]["value"]["rle"] for count in (1, 2)] == later
    assert click(restarted, 80)[1] < 0.5

"""The data manager's 'Retrieve predictions': masks for tasks that bring boxes or points."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from click99.server import retrieval
from tests.server.requests import HEIGHT, IMAGE, WIDTH, body, mask_of

CONFIG = """<View><Image name="image" value="$image"/><KeyPoint name="click" toName="image" smart="true"/>
<BrushLabels name="brush" toName="image"><Label value="cell"/></BrushLabels></View>"""


def box(**changes: Any) -> dict[str, Any]:
    value = {"x": 25, "y": 25, "width": 50, "height": 50, "rectanglelabels": ["cell"]}
    return {"id": "box", "type": "rectanglelabels", "to_name": "image", "value": value | changes}


def task(number: int, *items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """With one prediction of a detector."""
    predictions = [{"id": 1, "model_version": "detector", "result": list(items)}]
    return {"id": number, "data": {"image": IMAGE}, "predictions": predictions} | changes


def retrieve(server: TestClient, *tasks: dict[str, Any]) -> list[list[dict[str, Any]]]:
    reply = server.post("/predict", json=body(None, tasks=list(tasks), label_config=CONFIG))
    assert reply.status_code == 200, reply.text
    return reply.json()["results"]


def test_a_box_becomes_a_mask_in_it(server: TestClient):
    ((made,), none) = retrieve(server, task(1, box()), task(2, predictions=[]))
    assert none == []
    assert made["model_version"] == "discs-1"
    (region,) = made["result"]
    assert (region["value"]["brushlabels"], made["score"]) == (["cell"], region["score"])
    mask = mask_of(region)
    assert mask[HEIGHT // 2, WIDTH // 2]
    assert not mask[: HEIGHT // 4].any()


def test_the_masks_of_a_batch_are_those_of_single_tasks(server: TestClient):
    batch = retrieve(server, task(1, box()), task(2, box(x=0)))
    assert batch == [*retrieve(server, task(1, box())), *retrieve(server, task(2, box(x=0)))]


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": [{"id": 4, "result": []}]},
        {"drafts": [{"id": 4, "result": []}]},
        {"predictions": [{"id": 1, "result": [{"type": "choices", "value": {"choices": ["a"]}}]}]},
        {"predictions": [{"id": 1, "result": [box(rectanglelabels=["moon"])]}]},
        {"predictions": [{"id": 1, "result": [box(x=200)]}]},
        {"data": {"image": "/data/upload/1/gone.png"}},
        {"data": {}},
    ],
)
def test_what_is_annotated_or_gives_no_mask_gets_none_and_others_do(server: TestClient, changes: dict):
    first, (second,) = retrieve(server, task(1, box(), **changes), task(2, box()))
    assert first == []
    assert second["result"]


ODD: list[dict[str, Any]] = [
    box(x="abc"),
    box(x=1e300),
    box(y="NaN"),
    box(rotation=[]),
    box() | {"item_index": "x"},
    box() | {"original_width": "wide"},
    box() | {"is_positive": "no way"},
    box() | {"value": None},
    {"type": 7},
]


def test_boxes_that_cannot_be_read_do_not_count(server: TestClient):
    """Nor does the task fail to open."""
    found = retrieve(server, *(task(number, odd, box()) for number, odd in enumerate(ODD)))
    assert [len(made[0]["result"]) for made in found] == [1] * len(ODD)
    assert retrieve(server, *(task(number, odd) for number, odd in enumerate(ODD))) == [[]] * len(ODD)


def test_no_task_is_begun_once_time_is_up(server: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retrieval, "SECONDS", 0.0)
    assert retrieve(server, task(1, box())) == [[]]

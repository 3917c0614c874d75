"""/predict: what a click, and what the opening of a task, is answered with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from click99.labelstudio import brush
from click99.segmentation.clicks import Click
from click99.sessions import MemoryStore, Sessions
from tests.disc_painter import DiscPainter
from tests.server.requests import HEIGHT, WIDTH, Start, body, data_uri, encoded, keypoint

FIRST, SECOND, NEGATIVE = keypoint("a", 20, 20), keypoint("b", 40, 30), keypoint("c", 26, 22, positive=False)


def region(server: TestClient, request: dict[str, Any]) -> dict[str, Any]:
    response = server.post("/predict", json=request)
    assert response.status_code == 200, response.text
    (prediction,) = response.json()["results"]
    (item,) = prediction["result"]
    return item


def mask(item: dict[str, Any]) -> np.ndarray:
    return brush.decode(item["value"]["rle"], item["original_height"], item["original_width"])


def painted(*clicks: Click) -> np.ndarray:
    """What the painter makes of these clicks on the 64×48 image, as a brush mask."""
    sessions = Sessions(DiscPainter(), MemoryStore(1 << 20, 60))
    alpha = sessions.mask("image", np.zeros((HEIGHT, WIDTH, 3), np.uint8), clicks).alpha
    return np.where(alpha > 127, 255, 0)


def test_the_answer_is_a_brush_region_as_label_studio_reads_it(server: TestClient):
    response = server.post("/predict", json=body([FIRST])).json()
    (prediction,) = response["results"]
    (item,) = prediction["result"]
    assert prediction["model_version"] == "discs-1"
    assert {k: v for k, v in item.items() if k not in ("id", "score", "value")} == {
        "from_name": "brush",
        "to_name": "image",
        "type": "brushlabels",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "origin": "prediction",
        "readonly": False,
        "item_index": None,
        "meta": {"clicks": [["a", 20, 20, True]], "begun": ""},
    }
    assert item["value"]["format"] == "rle"
    assert item["value"]["brushlabels"] == ["cell"]
    assert 0.5 < item["score"] <= 1


def test_each_click_changes_the_same_region(server: TestClient):
    clicks = [Click(20, 20, True, "a"), Click(40, 30, True, "b"), Click(26, 22, False, "c")]
    items = [region(server, body([FIRST, SECOND, NEGATIVE][:k])) for k in (1, 2, 3)]
    assert len({item["id"] for item in items}) == 1
    for k, item in enumerate(items, 1):
        assert np.array_equal(mask(item), painted(*clicks[:k]))


def test_an_empty_mask_has_no_score_and_is_said_in_the_log(
    server: TestClient, caplog: pytest.LogCaptureFixture
):
    request = body([keypoint("a", 9, 9, positive=False)])
    (prediction,) = server.post("/predict", json=request).json()["results"]
    assert prediction["score"] == 0
    assert "3': the mask is empty after Click(x=9, y=9, positive=False" in caplog.text


def test_only_the_new_click_is_run_and_undo_runs_nothing(server: TestClient, painter: DiscPainter):
    for k in (1, 2, 3):
        region(server, body([FIRST, SECOND, NEGATIVE][:k]))
    undone = region(server, body([FIRST, SECOND]))
    assert [len(clicks) for clicks in painter.steps] == [1, 2, 3]
    assert np.array_equal(mask(undone), painted(Click(20, 20, True, "a"), Click(40, 30, True, "b")))


def test_a_restart_replays_to_the_same_answer(start: Start, painter: DiscPainter):
    request = body([FIRST, SECOND, NEGATIVE])
    before = start().post("/predict", json=request).content
    painter.steps.clear()
    assert start().post("/predict", json=request).content == before
    assert len(painter.steps) == 3


def test_other_objects_and_tasks_are_other_regions(server: TestClient):
    other_task = body([FIRST])
    other_task["tasks"][0]["id"] = 4
    ids = {region(server, request)["id"] for request in (body([FIRST]), body([SECOND]), other_task)}
    assert len(ids) == 3


def test_the_label_names_the_region(server: TestClient):
    item = region(server, body([keypoint("a", 20, 20, label="nucleus")]))
    assert item["value"]["brushlabels"] == ["nucleus"]


def test_clicks_of_other_labels_belong_to_other_objects(server: TestClient, painter: DiscPainter):
    region(server, body([keypoint("z", 50, 10, label="nucleus"), FIRST]))
    assert painter.steps == [(Click(20, 20, True, "a"),)]


def test_a_missing_sign_means_positive(server: TestClient):
    item = region(server, body([keypoint("a", 20, 20, positive=None)]))
    assert mask(item)[20, 20] == 255


def test_a_new_object_of_nothing_is_no_region(server: TestClient):
    nothing = keypoint("a", 20, 20, positive=False)
    assert server.post("/predict", json=body([nothing])).json()["results"][0]["result"] == []
    assert mask(region(server, body([nothing, SECOND])))[30, 40], "it waits for the next click"


def test_a_kept_region_that_clicks_empty_stays_one(server: TestClient):
    kept = region(server, body([FIRST]))
    request = body([keypoint("b", 20, 20, positive=False)])
    request["tasks"][0]["drafts"] = [{"id": 1, "result": [kept]}]
    item = region(server, request)
    assert (item["id"], item["score"]) == (kept["id"], 0)
    assert not mask(item).any()


def test_a_rotated_photograph_is_answered_upright(server: TestClient):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90°: the file is 64×48, the image 48×64
    photograph = data_uri(encoded(WIDTH, HEIGHT, "JPEG", exif=exif))
    item = region(server, body([keypoint("a", 30, 50, size=(HEIGHT, WIDTH))], photograph))
    assert (item["original_width"], item["original_height"]) == (HEIGHT, WIDTH)
    assert mask(item)[50, 30] == 255
    assert mask(item)[30, 47] == 0


def test_a_heavy_task_is_answered_like_a_light_one(server: TestClient, caplog: pytest.LogCaptureFixture):
    heavy = body([FIRST])
    old = {"id": 1, "result": [{"id": "old", "type": "brushlabels", "value": {"rle": [7] * 300_000}}]}
    heavy["tasks"][0] |= {"annotations": [old], "drafts": [old], "predictions": [old]}
    assert region(server, heavy) == region(server, body([FIRST]))
    assert "7, 7, 7" not in caplog.text

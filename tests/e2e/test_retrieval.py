"""The data manager's 'Retrieve predictions', asked for as its button does."""

from __future__ import annotations

import time

import pytest

from tests.e2e.workplace import BRUSH, Workplace, mask_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
BOXES = '<RectangleLabels name="boxes" toName="image"><Label value="Object"/></RectangleLabels><Image'
CUP = {"x": 25, "y": 8, "width": 40, "height": 65, "rotation": 0, "rectanglelabels": ["Object"]}
SIZES = {"original_width": 600, "original_height": 400, "image_rotation": 0}


def test_a_detector_s_box_becomes_a_mask(workplace: Workplace) -> None:
    project = workplace.project("retrieval", BRUSH.replace("<Image", BOXES))
    task = project.task()
    item = {"id": "cup", "type": "rectanglelabels", "from_name": "boxes", "to_name": "image", "value": CUP}
    detected = {"task": task, "model_version": "detector", "result": [item | SIZES]}
    workplace.client.call("POST", "/api/predictions", json=detected)
    chosen = {"selectedItems": {"all": True, "excluded": []}, "filters": {"conjunction": "and", "items": []}}
    action = f"/api/dm/actions?id=retrieve_tasks_predictions&project={project.id}"
    workplace.client.call("POST", action, json=chosen | {"ordering": []})
    deadline = time.monotonic() + 120
    while len(found := project.read(task)["predictions"]) < 2:
        assert time.monotonic() < deadline, found
        time.sleep(1)
    (made,) = [each for each in found if each["model_version"] != "detector"]
    (region,) = made["result"]
    mask = mask_of(region)
    assert mask[150, 290], "the cup"
    assert not mask[:, :150].any(), "nothing outside of the box"

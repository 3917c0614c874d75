"""Tasks get masks once, at the right places, and nothing that people did is touched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from click99.labelstudio import brush
from click99.labelstudio.errors import ApiError, ImageUnavailableError
from click99.labelstudio.image_cache import Image
from click99.preannotate.project import Preannotation
from click99.preannotate.prompts import PixelPrompt
from click99.sessions import MemoryStore, Sessions
from tests.connect.label_studio import LabelStudio
from tests.disc_painter import DiscPainter
from tests.preannotate.config import CONFIG

HEIGHT, WIDTH = 60, 100
PICTURE = Image("picture", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
BOX, POINT = PixelPrompt("cat", (10, 10, 40, 40)), PixelPrompt("dog", (80, 30, 80, 30))


@pytest.fixture
def label_studio() -> LabelStudio:
    """Project 1 with tasks of a.jpg, b.jpg and c.jpg."""
    label_studio = LabelStudio()
    project = label_studio.add_project(config=CONFIG)
    for name in "abc":
        data = {"image": f"/data/upload/1/01234567-{name}.jpg"}
        label_studio.call("POST", "/api/tasks", json={"project": project, "data": data})
    return label_studio


def run(
    label_studio: LabelStudio, detected: Any = None, apply: bool = True, load: Any = None, anew: bool = False
) -> Any:
    sessions = Sessions(DiscPainter(), MemoryStore(2**20, 60))
    load = load or (lambda address, task: PICTURE)
    preannotation = Preannotation(label_studio, sessions, load, 1.5, detected, anew)
    return preannotation.run(1, apply, lambda number, of: None)


def predictions(label_studio: LabelStudio) -> list[list[dict[str, Any]]]:
    return [task.get("predictions", []) for task in label_studio.kept["tasks"]]


def mask_of(region: dict[str, Any]) -> np.ndarray:
    return brush.decode(bytes(region["value"]["rle"]), HEIGHT, WIDTH) > 127


def test_a_detector_s_boxes_and_points_become_masks(label_studio: LabelStudio):
    done = run(label_studio, {"a.jpg": [BOX, POINT], "b.jpg": [POINT]})
    assert done.tasks == {"predicted": 2, "without boxes or points": 1}
    assert (done.masks, done.left_out) == (3, [])
    ((first,), (second,), none) = predictions(label_studio)
    assert none == []
    assert first["model_version"] == "discs-1"
    assert 0 < first["score"] <= 1
    labels = [region["value"]["brushlabels"] for region in first["result"]]
    assert labels == [["cat"], ["dog"]]
    boxed, clicked = map(mask_of, first["result"])
    rows, columns = np.nonzero(boxed)
    assert rows.min() >= 10
    assert columns.max() < 40
    assert clicked[30, 80]
    assert {region["id"] for region in first["result"]}.isdisjoint(
        region["id"] for region in second["result"]
    )


def test_the_boxes_of_a_task_s_own_prediction_become_masks(label_studio: LabelStudio):
    value = {"x": 10, "y": 20, "width": 30, "height": 50, "rectanglelabels": ["dog"]}
    item = {"id": "r", "type": "rectanglelabels", "from_name": "boxes", "to_name": "image", "value": value}
    label_studio.kept["tasks"][1]["predictions"] = [{"id": 7, "model_version": "detector", "result": [item]}]
    assert run(label_studio).tasks == {"predicted": 1, "without boxes or points": 2}
    (_, (_, made), _) = predictions(label_studio)
    assert made["result"][0]["value"]["brushlabels"] == ["dog"]


def test_a_second_run_predicts_nothing_more(label_studio: LabelStudio):
    run(label_studio, {"a.jpg": [BOX]})
    before = len(label_studio.changes)
    done = run(label_studio, {"a.jpg": [BOX], "b.jpg": [BOX]})
    assert done.tasks == {"done before": 1, "predicted": 1, "without boxes or points": 1}
    assert len(label_studio.changes) == before + 1


def test_predictions_are_made_anew_only_when_that_is_asked_for(label_studio: LabelStudio):
    detector = {"id": 70, "model_version": "detector", "result": []}
    label_studio.kept["tasks"][0]["predictions"] = [detector]
    run(label_studio, {"a.jpg": [BOX]})
    assert run(label_studio, {"a.jpg": [BOX, POINT]}).tasks["done before"] == 1
    assert run(label_studio, {"a.jpg": [BOX, POINT]}, anew=True, apply=False).masks == 2
    assert run(label_studio, {"a.jpg": [BOX, POINT]}, anew=True).masks == 2
    kept, made = predictions(label_studio)[0]
    assert kept == detector
    assert len(made["result"]) == 2


@pytest.mark.parametrize("field", ["annotations", "drafts"])
def test_what_people_did_is_passed_by(label_studio: LabelStudio, field: str):
    label_studio.kept["tasks"][0][field] = [{"id": 1}]
    assert run(label_studio, {"a.jpg": [BOX]}).tasks["annotated already"] == 1
    assert predictions(label_studio)[0] == []


def test_a_dry_run_predicts_nothing(label_studio: LabelStudio):
    before = len(label_studio.changes)
    done = run(label_studio, {"a.jpg": [BOX, POINT], "b.jpg": [BOX]}, apply=False)
    assert (done.tasks["to do"], done.masks) == (2, 3)
    assert len(label_studio.changes) == before


def test_what_can_not_be_predicted_is_left_out_by_name(label_studio: LabelStudio):
    def load(address: str, task: str) -> Image:
        if address.endswith("c.jpg"):
            raise ImageUnavailableError("image", "gone", "Look for it")
        return PICTURE

    outside, unknown = PixelPrompt("cat", (500, 10, 500, 10)), PixelPrompt("cow", (1, 1, 9, 9))
    done = run(
        label_studio, {"a.jpg": [outside, unknown, BOX], "b.jpg": [unknown], "c.jpg": [BOX]}, load=load
    )
    assert done.tasks == {"predicted": 1, "left out": 2}
    outside_of, *without_label, gone = done.left_out
    assert "'cat': 500, 10 lies outside of the picture, which is" in outside_of
    assert all('Add <Label value="cow"/>' in message for message in without_label)
    assert "image: gone" in gone
    assert done.masks == 1


def test_a_prediction_that_label_studio_refuses_stops_no_other(
    label_studio: LabelStudio, monkeypatch: pytest.MonkeyPatch
):
    call = label_studio.call

    def refusing(method: str, path: str, json: Any = None, **options: Any) -> Any:
        if path == "/api/predictions" and json["task"] == label_studio.kept["tasks"][0]["id"]:
            raise ApiError("POST /api/predictions", "Label Studio answers 400", "See its log")
        return call(method, path, json=json, **options)

    monkeypatch.setattr(label_studio, "call", refusing)
    done = run(label_studio, {"a.jpg": [BOX], "b.jpg": [BOX]})
    assert done.tasks == {"left out": 1, "predicted": 1, "without boxes or points": 1}
    assert done.masks == 1
    (message,) = done.left_out
    assert message.startswith(f"task {label_studio.kept['tasks'][0]['id']}: POST /api/predictions")


def test_masks_are_of_the_picture_that_was_looked_at(label_studio: LabelStudio):
    other = (
        '<Image name="other" value="$other"/><BrushLabels name="others" toName="other"><Label value="cow"/>'
    )
    config = CONFIG.replace("<BrushLabels", f"{other}</BrushLabels><BrushLabels", 1)
    label_studio.kept["projects"][0]["label_config"] = config
    done = run(label_studio, {"a.jpg": [BOX, PixelPrompt("cow", (1, 1, 9, 9))]})
    assert "no control for masks has the label 'cow'" in done.left_out[0]
    (first,) = predictions(label_studio)[0]
    assert [region["to_name"] for region in first["result"]] == ["image"]

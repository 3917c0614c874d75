"""Labels that stand in the task's data (value="$labels"), beside those of the label config."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.server.requests import CONFIG, IMAGE, WITHOUT_LABELS, body, click, dot, keypoint

PLAIN = '<Label value="cell"/>'
ALIASED = '<Label value="cell" alias="c"/>'


def config(clicks: str, inside: str = "") -> str:
    """The usual one, its masks under the task's labels and those inside; clicks: the label of clicks."""
    start = CONFIG[: CONFIG.index("<BrushLabels")].replace(PLAIN, clicks)
    return f'{start}<BrushLabels name="brush" toName="image" value="$labels">{inside}</BrushLabels></View>'


@pytest.mark.parametrize(
    ("clicks", "labels", "answered"),
    [
        (PLAIN, ["cell"], "cell"),
        (PLAIN, [{"value": "dog"}, {"value": "cell", "alias": "of task"}], "of task"),
        (ALIASED, ["cell"], "cell"),
        (ALIASED, [{"alias": "c"}], "c"),
    ],
)
def test_a_mask_has_the_label_as_the_task_calls_it(
    server: TestClient, clicks: str, labels: list[Any], answered: str
):
    asked = keypoint("a", 20, 20, label="c" if clicks is ALIASED else "cell")
    (region,) = click(server, config(clicks), asked, data={"image": IMAGE, "labels": labels})
    assert region["value"]["brushlabels"] == [answered]


def test_a_label_that_the_task_lacks_is_refused_by_name(server: TestClient):
    request = body([keypoint("a", 20, 20)], label_config=config(PLAIN))
    request["tasks"][0]["data"]["labels"] = ["dog"]
    reply = server.post("/predict", json=request)
    assert reply.status_code == 422
    assert "'brush' has no label 'cell', only 'dog'" in reply.json()["detail"]
    assert "or the label to 'labels' of the task" in reply.json()["detail"]


@pytest.mark.parametrize("labels", [["dog"], [], None])
def test_labels_of_the_config_come_before_those_of_the_task(server: TestClient, labels: Any):
    """As in the editor, which shows both."""
    data = {"image": IMAGE, "labels": labels}
    (region,) = click(server, config(PLAIN, PLAIN), keypoint("a", 20, 20), data=data)
    assert region["value"]["brushlabels"] == ["cell"]
    xml = (
        WITHOUT_LABELS[: WITHOUT_LABELS.index("<BrushLabels")]
        + config(PLAIN, PLAIN).split("</KeyPointLabels>")[1]
    )
    (region,) = click(server, xml, dot("a", 20, 20), data=data)
    assert region["value"]["brushlabels"] == ["cell"]
    asked = dot("b", 20, 20)
    asked["value"]["labels"] = ["dog"]
    (region,) = click(server, xml, asked, data=data)
    assert region["value"]["brushlabels"] == ["dog" if labels else "cell"]


def test_a_click_may_have_a_label_of_the_task(server: TestClient):
    """By the name that it has where the masks are."""
    xml = config(PLAIN, PLAIN).replace(
        '<KeyPointLabels name="kp"', '<KeyPointLabels name="kp" value="$called"'
    )
    data = {"image": IMAGE, "called": [{"value": "cell", "alias": "k"}]}
    (region,) = click(server, xml, keypoint("a", 20, 20, label="k"), data=data)
    assert region["value"]["brushlabels"] == ["cell"]

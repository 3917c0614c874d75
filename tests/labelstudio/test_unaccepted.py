"""Which clicks of a saved annotation nobody accepted a mask for."""

from __future__ import annotations

from typing import Any

import pytest

from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.unaccepted import unaccepted_prompts
from tests.server.boxes import WITH_BOXES, box
from tests.server.requests import CONFIG, keypoint


@pytest.mark.parametrize(
    "item",
    [
        keypoint("a", 5, 5, positive=None),
        keypoint("a", 5, 5, from_name="landmarks"),
        keypoint("a", 5, 5, label="background"),
        {"id": "a", "type": "keypointlabels", "value": {}},
        {"nonsense": 1},
    ],
    ids=["a keypoint for its own sake", "another control", "no brush for it", "no place", "nonsense"],
)
def test_other_points_are_nobodys_mask(item: dict[str, Any]):
    assert unaccepted_prompts([item], LabelConfig.parse(CONFIG), 3) == []


def test_a_box_that_may_be_an_annotation_of_its_own_stays():
    assert unaccepted_prompts([box(20, 10, 50, 40)], LabelConfig.parse(WITH_BOXES), 3) == []

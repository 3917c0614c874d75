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


@pytest.mark.parametrize(("made_from", "lost"), [(["ab"], 0), (["a", "b"], 0), (["a"], 1), (["b", "c"], 1)])
def test_clicks_may_have_gone_into_several_masks(made_from: list[str], lost: int):
    """One was locked, or labelled otherwise, before the next click."""
    clicks = [keypoint("a", 5, 5), keypoint("b", 9, 5)]
    names = {
        "type": "brushlabels",
        "from_name": "brush",
        "to_name": "image",
        "value": {"brushlabels": ["cell"]},
    }
    masks = [
        names | {"id": f"of {ids}", "meta": {"clicks": [[name, 5, 5, True] for name in ids]}}
        for ids in made_from
    ]
    assert len(unaccepted_prompts([*clicks, *masks], LabelConfig.parse(CONFIG), 3)) == lost


def test_a_box_that_may_be_an_annotation_of_its_own_stays():
    assert unaccepted_prompts([box(20, 10, 50, 40)], LabelConfig.parse(WITH_BOXES), 3) == []

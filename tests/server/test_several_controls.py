"""One picture, several controls that hold masks: a region stays with its own, and no control gets a label
that it lacks."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from click99.labelstudio import bitmask, brush
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.unaccepted import unaccepted_prompts
from tests.server.requests import (
    CONFIG,
    HEIGHT,
    IMAGE,
    WIDTH,
    WITHOUT_LABELS,
    body,
    click,
    data_uri,
    dot,
    draft,
    encoded,
    keypoint,
    mask_of,
)

SQUARE = np.zeros((HEIGHT, WIDTH), bool)
SQUARE[10:30, 10:30] = True
HELD: dict[str, dict[str, Any]] = {
    "BrushLabels": {"format": "rle", "rle": brush.encode(SQUARE.view(np.uint8) * np.uint8(255))},
    "BitmaskLabels": {"imageDataURL": bitmask.encode(SQUARE)},
    "PolygonLabels": {"points": [[16, 21], [46, 21], [46, 62], [16, 62]], "closed": True},
}


def config(with_labels: bool, **controls: str) -> str:
    """name=tag of controls with the labels cell and nucleus."""
    parts = CONFIG if with_labels else WITHOUT_LABELS
    labels = '<Label value="cell"/><Label value="nucleus"/>'
    tags = (f'<{tag} name="{name}" toName="image">{labels}</{tag}>' for name, tag in controls.items())
    return parts[: parts.index("<BrushLabels")] + "".join(tags) + "</View>"


def kept(name: str, tag: str, label: str = "nucleus", **changes: Any) -> dict[str, Any]:
    sizes = {"original_width": WIDTH, "original_height": HEIGHT}
    names = {"id": "r", "type": tag.lower(), "from_name": name, "to_name": "image"}
    return names | sizes | {"value": HELD[tag] | {tag.lower(): [label]}} | changes


@pytest.mark.parametrize("with_labels", [False, True])
def test_a_region_is_refined_in_its_own_control(server: TestClient, with_labels: bool):
    asked = keypoint("a", 20, 20, label="nucleus") if with_labels else dot("a", 20, 20)
    for first, own, place in product(HELD, HELD, ("drafts", "predictions")):
        xml, task = config(with_labels, one=first, two=own), [{"id": 1, "result": [kept("two", own)]}]
        (region,) = click(server, xml, asked, **{place: task})
        assert (region["id"], region["from_name"], region["type"]) == ("r", "two", own.lower())
        assert region["value"][own.lower()] == ["nucleus"]
        assert region["value"].keys() >= HELD[own].keys()


CRACKS = """<View><Image name="image" value="$image"/>
  <KeyPoint name="kp" toName="image" smart="true" smartOnly="true"/>
  <RectangleLabels name="car" toName="image"><Label value="car"/></RectangleLabels>
  <BrushLabels name="one" toName="image"><Label value="cell"/></BrushLabels>
  <BrushLabels name="two" toName="image">
    <Label value="Crack" alias="crack"/><Label value="dent"/></BrushLabels>
</View>"""


SELECTED: list[tuple[list[str], str, list[str]]] = [
    (["dent"], "two", ["dent"]),
    (["Crack", "dent"], "two", ["crack", "dent"]),
    (["cell"], "one", ["cell"]),
    (["car"], "one", ["cell"]),
    (["car", "dent"], "two", ["dent"]),
    ([], "one", ["cell"]),
]


def chosen(click_id: str, x: int, y: int, *labels: str) -> dict[str, Any]:
    """A click while a region with these labels is selected."""
    item = dot(click_id, x, y)
    item["value"]["labels"] = list(labels)
    return item


def test_a_new_object_goes_where_the_selected_label_is_known(server: TestClient):
    for selected, control, labels in SELECTED:
        (region,) = click(server, CRACKS, chosen("a", 50, 40, *selected))
        assert (region["from_name"], region["value"]["brushlabels"]) == (control, labels)


def test_what_was_accepted_just_now_stays_with_its_control(server: TestClient):
    """Before its draft is saved, too."""
    assert server.post("/predict", json=body(None)).status_code == 200
    (begun,) = click(server, CRACKS, chosen("a", 20, 20, "dent"))
    (refined,) = click(server, CRACKS, dot("b", 22, 20, positive=False))
    assert (refined["id"], refined["from_name"]) == (begun["id"], "two")
    assert refined["value"]["brushlabels"] == ["dent"]


def test_a_selected_box_does_not_widen_the_reach(server: TestClient):
    (region,) = click(server, CRACKS, dot("a", 20, 20))
    (other,) = click(server, CRACKS, chosen("b", 36, 20, "car"), **draft(region))
    assert other["id"] != region["id"]


def test_a_chosen_label_that_a_labels_control_lacks_does_not_count(server: TestClient):
    xml = CRACKS.replace("<BrushLabels", "<Labels", 1).replace("</BrushLabels>", "</Labels>", 1)
    xml = xml.replace("<BrushLabels", "<!--").replace("</BrushLabels>", '--><Brush name="b" toName="image"/>')
    _, labelled = click(server, xml, chosen("a", 20, 20, "car"))
    assert labelled["value"]["labels"] == ["cell"]


def test_a_mask_in_another_control_was_accepted():
    xml = config(True, one="BrushLabels", two="PolygonLabels")
    made = kept("two", "PolygonLabels", "cell", meta={"clicks": [["a", 20, 20, True]]})
    clicked = keypoint("a", 20, 20)
    relabelled = kept("two", "PolygonLabels", "nucleus", meta=made["meta"])
    for mask in (made, relabelled):
        assert unaccepted_prompts([clicked, mask], LabelConfig.parse(xml), 3) == []
    assert len(unaccepted_prompts([clicked], LabelConfig.parse(xml), 3)) == 1


def test_labels_of_two_tools_are_told_apart(server: TestClient):
    xml = """<View><Image name="image" value="$image"/>
      <Labels name="label" toName="image"><Label value="cell"/><Label value="nucleus"/></Labels>
      <KeyPoint name="kp" toName="image" smart="true" smartOnly="true"/>
      <Brush name="brush" toName="image"/><Polygon name="polygon" toName="image"/></View>"""
    value = HELD["PolygonLabels"] | {"labels": ["nucleus"]}
    outline = kept("label", "PolygonLabels") | {"type": "labels", "value": value}
    drawn, labelled = click(server, xml, dot("a", 20, 20), **draft(outline))
    assert (drawn["id"], drawn["from_name"], drawn["type"]) == ("r", "polygon", "polygon")
    assert labelled["value"]["labels"] == ["nucleus"]


@pytest.mark.parametrize("lock", ["readonly", "locked"])
def test_a_locked_region_is_neither_refined_nor_covered(server: TestClient, lock: str):
    fixed = kept("brush", "BrushLabels") | {lock: True}
    for x, y, covered in ((34, 20, False), (20, 20, True)):  # beside it, in it
        (region,) = click(server, WITHOUT_LABELS, dot(f"a{x}", x, y), **draft(fixed))
        assert region["id"] != "r"
        assert bool((mask_of(region) & SQUARE).any()) == covered


def test_the_picture_tells_which_control_is_meant(server: TestClient):
    two = "".join(
        f"<Image name='{name}' value='${name}'/><KeyPoint name='kp-{name}' toName='{name}' smart='true'/>"
        f"<BrushLabels name='brush-{name}' toName='{name}'><Label value='cell'/></BrushLabels>"
        for name in ("a", "b")
    )
    asked = dot("x", 20, 20, size=(80, 40), from_name="", to_name="b")
    data = {"a": IMAGE, "b": data_uri(encoded(80, 40))}
    (region,) = click(server, f"<View>{two}</View>", asked, data=data)
    assert (region["from_name"], region["original_width"]) == ("brush-b", 80)


LABELS = """<View><Image name="image" value="$image"/>
  <Labels name="label" toName="image"><Label value="cell"/><Label value="nucleus"/></Labels>
  <KeyPoint name="kp" toName="image" smart="true" smartOnly="true"/>
  <Brush name="brush" toName="image"/></View>"""


@pytest.mark.parametrize(
    ("first", "second"), [(["nucleus"], []), ([], ["cell"]), ([], []), (["cell"], ["cell"])]
)
def test_a_label_may_be_chosen_at_one_click_only(server: TestClient, first: list[str], second: list[str]):
    """Before the draft is saved, too."""
    assert server.post("/predict", json=body(None)).status_code == 200
    _, begun = click(server, LABELS, chosen("a", 20, 20, *first))
    _, refined = click(server, LABELS, chosen("b", 22, 20, *second) | {"is_positive": False})
    assert refined["id"] == begun["id"]
    assert refined["value"]["labels"] == begun["value"]["labels"] == (first or ["cell"])


def test_what_a_tool_has_drawn_without_a_label_is_refined(server: TestClient):
    bare = kept("brush", "BrushLabels") | {"type": "brush", "value": HELD["BrushLabels"]}
    drawn, labelled = click(server, LABELS, dot("a", 20, 20), **draft(bare))
    assert (drawn["id"], labelled["id"], labelled["value"]["labels"]) == ("r", "r", ["cell"])
    named = kept("label", "BrushLabels") | {
        "type": "labels",
        "value": HELD["BrushLabels"] | {"labels": ["nucleus"]},
    }
    _, labelled = click(server, LABELS, dot("a", 20, 20), **draft(named, bare))
    assert (labelled["id"], labelled["value"]["labels"]) == ("r", ["nucleus"])
    locked = bare | {"readonly": True}
    drawn, _ = click(server, LABELS, dot("a", 20, 20), **draft(locked, named))
    assert drawn["id"] != "r"


@pytest.mark.parametrize("tag", HELD)
def test_a_region_without_any_label_is_refined(server: TestClient, tag: str):
    bare = kept("brush", tag) | {"value": HELD[tag]}
    (region,) = click(server, config(False, brush=tag), dot("a", 20, 20), **draft(bare))
    assert (region["id"], region["value"][tag.lower()]) == ("r", ["cell"])


def test_a_region_may_tell_its_labels_value_instead_of_the_alias(server: TestClient):
    xml = CONFIG.replace('<Label value="nucleus"/>', '<Label value="nucleus" alias="n"/>')
    for told in ("nucleus", "n"):
        saved = draft(kept("brush", "BrushLabels", told))
        (region,) = click(server, xml, keypoint("a", 20, 20, label="n"), **saved)
        assert (region["id"], region["value"]["brushlabels"]) == ("r", [told])


def test_what_was_filled_in_may_come_before_its_region(server: TestClient):
    region = kept("brush", "BrushLabels", parentID="p", meta={"text": ["note"]})
    choice = {"id": "r", "type": "choices", "from_name": "c", "to_name": "image", "value": {"choices": ["x"]}}
    refined, filled_in = click(server, WITHOUT_LABELS, dot("a", 20, 20), **draft(choice, region))
    assert (refined["id"], refined["parentID"], refined["meta"]["text"]) == ("r", "p", ["note"])
    assert filled_in == choice

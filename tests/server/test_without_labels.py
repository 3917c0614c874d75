"""Clicks and boxes without a label: nothing to choose before them, and any label's region may be meant."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from click99.labelstudio.project_settings import ProjectSettings, Rules
from tests.server.requests import CONFIG, WITHOUT_LABELS, Start, click, dot, draft, keypoint, mask_of


def rectangle() -> dict[str, Any]:
    value = {"x": 20, "y": 20, "width": 30, "height": 30, "rotation": 0}
    return dot("r", 1, 1) | {"type": "rectangle", "from_name": "box", "value": value}


def relabelled(region: dict[str, Any], *labels: str) -> dict[str, Any]:
    return region | {"value": region["value"] | {"brushlabels": list(labels)}}


@pytest.mark.parametrize("prompt", [dot("a", 20, 20), rectangle()])
def test_the_first_label_answers(server: TestClient, prompt: dict[str, Any]):
    (region,) = click(server, WITHOUT_LABELS, prompt)
    assert region["value"]["brushlabels"] == ["cell"]


def test_the_mask_is_that_of_a_click_with_a_label(server: TestClient):
    clicks = [("a", 20, 20), ("b", 25, 22)]
    (without,) = click(server, WITHOUT_LABELS, *(dot(*each, positive=each[0] == "a") for each in clicks))
    (labelled,) = click(server, CONFIG, *(keypoint(*each, positive=each[0] == "a") for each in clicks))
    assert without == labelled


def test_a_region_keeps_the_label_that_people_gave_it(server: TestClient):
    (region,) = click(server, WITHOUT_LABELS, dot("a", 20, 20))
    (refined,) = click(server, WITHOUT_LABELS, dot("b", 21, 20), **draft(relabelled(region, "nucleus")))
    assert (refined["id"], refined["value"]["brushlabels"]) == (region["id"], ["nucleus"])


def test_labels_that_are_none_do_not_count(server: TestClient):
    (region,) = click(server, WITHOUT_LABELS, dot("a", 20, 20))
    odd = region | {"value": region["value"] | {"brushlabels": [None, {}, "nucleus", ""]}}
    (refined,) = click(server, WITHOUT_LABELS, dot("b", 21, 20), **draft(odd))
    assert (refined["id"], refined["value"]["brushlabels"]) == (region["id"], ["nucleus"])


def test_a_new_object_gets_the_label_of_the_newest_region(server: TestClient):
    (region,) = click(server, WITHOUT_LABELS, dot("a", 10, 10))
    first = relabelled(region, "nucleus", "cell") | {"id": "of somebody"}
    (other,) = click(server, WITHOUT_LABELS, dot("b", 50, 40), **draft(first))
    assert other["id"] != first["id"]
    assert other["value"]["brushlabels"] == ["nucleus", "cell"]


def test_a_new_object_gets_the_label_that_was_chosen_last(start: Start):
    """Of any region, not only of the newest; until another is chosen, and after a restart."""
    (first,) = click(start(), WITHOUT_LABELS, dot("a", 10, 10))
    (second,) = click(start(), WITHOUT_LABELS, dot("d", 50, 10), **draft(first))
    clicks = [dot("b", 50, 40), dot("c", 52, 40)]

    def label_of(server: TestClient, *kept: dict[str, Any], upto: int = 1) -> list[str]:
        (made,) = click(server, WITHOUT_LABELS, *clicks[:upto], **draft(*kept))
        return made["value"]["brushlabels"]

    chosen = relabelled(first, "nucleus"), second
    assert label_of(start(), *chosen) == label_of(start(), *chosen, upto=2) == ["nucleus"]
    by_hand = second | {"id": "drawn"}
    assert label_of(start(), *chosen, by_hand) == ["cell"]
    assert label_of(start(), relabelled(first, "gone"), second, by_hand) == ["cell"]


@pytest.mark.parametrize(
    ("newest", "label"), [(["gone"], "nucleus"), (["gone", "cell"], "cell"), (["N"], "nucleus")]
)
def test_a_new_object_gets_no_label_that_the_config_lacks(server: TestClient, newest: list[str], label: str):
    """Since the label was renamed, say, or written as its value where it has an alias."""
    config = WITHOUT_LABELS.replace('<Label value="nucleus"/>', '<Label value="N" alias="nucleus"/>')
    (region,) = click(server, config, dot("a", 10, 10))
    kept = relabelled(region, "nucleus") | {"id": "older"}, relabelled(region, *newest)
    (other,) = click(server, config, dot("b", 50, 40), **draft(*kept))
    assert other["value"]["brushlabels"] == [label]


def test_a_region_that_lost_its_label_gets_the_first(server: TestClient):
    (region,) = click(server, WITHOUT_LABELS, dot("a", 20, 20))
    (refined,) = click(server, WITHOUT_LABELS, dot("b", 21, 20), **draft(relabelled(region)))
    assert (refined["id"], refined["value"]["brushlabels"]) == (region["id"], ["cell"])


@pytest.mark.parametrize(("labels", "refines"), [([], False), (["cell"], True)])
def test_a_click_reaches_farther_around_a_selected_region(
    server: TestClient, labels: list[str], refines: bool
):
    (region,) = click(server, WITHOUT_LABELS, dot("a", 20, 20))
    beyond = dot("b", 36, 20)
    beyond["value"]["labels"] = labels  # of the region that is selected
    (answer,) = click(server, WITHOUT_LABELS, beyond, **draft(region))
    assert (answer["id"] == region["id"]) == refines


def test_a_new_object_gets_the_label_of_the_selected_region(server: TestClient):
    far = dot("b", 60, 45)
    far["value"]["labels"] = ["nucleus"]
    (region,) = click(server, WITHOUT_LABELS, far)
    assert region["value"]["brushlabels"] == ["nucleus"]


def test_the_selected_regions_label_counts_before_the_distance(server: TestClient):
    (cell,) = click(server, WITHOUT_LABELS, dot("a", 20, 20))
    (other,) = click(server, WITHOUT_LABELS, dot("b", 52, 20), **draft(cell))
    kept = draft(cell, relabelled(other, "nucleus"))
    for x, y, label, refined in [
        (35, 20, "nucleus", other),  # 3 pixels from the cell, 6 from the nucleus
        (35, 20, "cell", cell),
        (20, 20, "nucleus", cell),  # in the cell
        (9, 20, "nucleus", cell),  # out of reach of any nucleus, in the cell
    ]:
        asked = dot("c", x, y)
        asked["value"]["labels"] = [label]
        (region,) = click(server, WITHOUT_LABELS, asked, **kept)
        assert region["id"] == refined["id"]


def test_who_annotates_alone_gets_no_label_of_others(start: Start, monkeypatch: pytest.MonkeyPatch):
    (region,) = click(start(), WITHOUT_LABELS, dot("a", 20, 20))
    others = [{"id": 1, "result": [relabelled(region, "nucleus")]}]
    for several, label in ((False, "nucleus"), (True, "cell")):
        monkeypatch.setattr(ProjectSettings, "rules", lambda self, project, several=several: Rules(several))
        (own,) = click(start(), WITHOUT_LABELS, dot("b", 50, 40), annotations=others)
        assert own["value"]["brushlabels"] == [label]


@pytest.mark.parametrize(("version", "shown"), [("v2", 1), ("v1", 0), ("another", 1), ("", 1)])
def test_the_prediction_that_the_project_shows_is_refined(
    server: TestClient, monkeypatch: pytest.MonkeyPatch, version: str, shown: int
):
    made = [click(server, WITHOUT_LABELS, dot(name, x, 20), id=4)[0] for name, x in (("a", 14), ("b", 48))]
    predictions = [{"id": k, "model_version": f"v{k}", "result": [item]} for k, item in enumerate(made, 1)]
    monkeypatch.setattr(ProjectSettings, "rules", lambda self, project: Rules(version=version))
    for place, x in ((0, 16), (1, 46)):
        (region,) = click(server, WITHOUT_LABELS, dot(f"c{x}", x, 20), predictions=predictions)
        assert (region["id"] == made[place]["id"]) is (place == shown)


def test_a_region_that_is_not_meant_is_never_replaced(server: TestClient):
    """Though its clicks are still pending, after a ✓ on the canvas."""
    for change in ({"locked": True}, {"readonly": True}):
        (region,) = click(server, WITHOUT_LABELS, dot("a", 20, 20))
        first, second = (
            click(server, WITHOUT_LABELS, dot("a", 20, 20), *more, **draft(region | change))
            for more in ([dot("b", 24, 20)], [dot("b", 24, 20), dot("c", 26, 20)])
        )
        assert first[0]["id"] == second[0]["id"] != region["id"]
    (box,) = click(server, WITHOUT_LABELS, rectangle())
    (moved,) = click(server, WITHOUT_LABELS, rectangle(), **draft(box | {"locked": True}))
    assert moved["id"] != box["id"]


@pytest.mark.parametrize("prompt", [dot, keypoint])
def test_clicks_of_a_region_that_is_not_meant_count_for_no_other(server: TestClient, prompt: Any):
    """They stay pending after a ✓ on the canvas; the next mask would cover that region."""
    config = WITHOUT_LABELS if prompt is dot else CONFIG
    (alone,) = click(server, config, prompt("b", 50, 40), prompt("c", 52, 40))
    (region,) = click(server, config, prompt("a", 12, 12))
    locked = {**region, "locked": True} if prompt is dot else relabelled(region, "nucleus")
    for _ in range(2):
        (other,) = click(
            server,
            config,
            *(prompt(*each) for each in (("a", 12, 12), ("b", 50, 40), ("c", 52, 40))),
            **draft(locked),
        )
        assert (mask_of(other) == mask_of(alone)).all()
        assert [name for name, *_ in other["meta"]["clicks"]] == ["b", "c"]
    (moved,) = click(server, config, prompt("a", 40, 30), **draft(locked))
    assert mask_of(moved)[30, 40]


def test_clicks_of_a_copied_region_still_refine_it(server: TestClient):
    (region,) = click(server, CONFIG, keypoint("a", 20, 20))
    copy = relabelled(region, "nucleus") | {"id": "copy"}
    (refined,) = click(server, CONFIG, keypoint("a", 20, 20), keypoint("b", 24, 20), **draft(region, copy))
    assert refined["id"] == region["id"]
    assert [name for name, *_ in refined["meta"]["clicks"]] == ["a", "b"]


def test_a_region_of_another_label_is_never_replaced(server: TestClient):
    (region,) = click(server, CONFIG, keypoint("a", 20, 20))
    clicks = keypoint("a", 20, 20), keypoint("b", 24, 20)
    (other,) = click(server, CONFIG, *clicks, **draft(relabelled(region, "nucleus")))
    assert other["id"] != region["id"]


def test_clicks_without_ids_at_one_place_are_told_apart_by_their_labels(server: TestClient):
    (region,) = click(server, CONFIG, keypoint("", 20, 20))
    (other,) = click(server, CONFIG, keypoint("", 20, 20, label="nucleus"), **draft(region))
    assert other["id"] != region["id"]

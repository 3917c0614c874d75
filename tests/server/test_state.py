"""What annotators do between clicks, and how the next click is answered (docs/explanation/state.md)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from click99.segmentation.clicks import Click
from click99.sessions import MemoryStore, Sessions
from click99.sessions.corrections import Start
from tests.disc_painter import DiscPainter
from tests.labelstudio.site import running
from tests.server.annotator import Annotator
from tests.server.requests import HEIGHT, WIDTH, body, keypoint, mask_of
from tests.server.requests import Start as StartServer


def expected(start: Start | None, *clicks: tuple[int, int, bool]) -> np.ndarray:
    """What a fresh server makes of these clicks on that start: bool [H, W]."""
    sessions = Sessions(DiscPainter(), MemoryStore(1 << 20, 60))
    named = [Click(*click, str(k)) for k, click in enumerate(clicks)]
    return sessions.mask("image", np.zeros((HEIGHT, WIDTH, 3), np.uint8), named, start).alpha > 127


@pytest.fixture
def ann(server: TestClient) -> Annotator:
    annotator = Annotator(server)
    annotator.open()
    return annotator


def test_accept_then_click_refines_the_accepted_region(ann: Annotator):
    ann.click(20, 20)
    ann.accept()
    (accepted,) = ann.regions
    before = ann.region(accepted)
    shown = ann.click(26, 22, positive=False)
    assert np.array_equal(shown, expected(Start(before), (26, 22, False)))
    ann.accept()
    assert ann.regions == [accepted]
    assert np.array_equal(ann.region(accepted), shown)


@pytest.mark.parametrize("slow_drafts", [False, True], ids=["saved", "not saved yet"])
def test_accept_on_canvas_continues_the_same_clicks(ann: Annotator, slow_drafts: bool, painter: DiscPainter):
    ann.slow_drafts = slow_drafts
    first = ann.click(20, 20)
    ann.accept_on_canvas()
    shown = ann.click(40, 20)
    assert len(painter.steps) == 2, "only the new click is run"
    start = None if slow_drafts else Start(first)
    clicks = [(20, 20, True), (40, 20, True)][0 if slow_drafts else 1 :]
    assert np.array_equal(shown, expected(start, *clicks))
    ann.accept()
    assert len(ann.regions) == 1


@pytest.mark.parametrize("restart", [False, True], ids=["one server", "a restart between"])
def test_on_canvas_over_an_older_region_runs_only_the_new_click(
    ann: Annotator, painter: DiscPainter, start: StartServer, restart: bool
):
    ann.click(20, 20)
    ann.accept()
    ann.click(32, 20)
    ann.accept_on_canvas()
    if restart:
        ann.server = start()
    before = len(painter.steps)
    shown = ann.click(20, 32)
    assert len(painter.steps) == before + (3 if restart else 1)
    assert np.array_equal(shown, expected(None, (20, 20, True), (32, 20, True), (20, 32, True)))


def test_a_click_dragged_out_of_what_was_accepted_on_the_canvas_counts_again(ann: Annotator):
    ann.click(20, 20)
    accepted = ann.click(26, 20)
    ann.accept_on_canvas()
    shown = ann.drag(0, 50, 20)
    assert np.array_equal(shown, expected(Start(accepted), (50, 20, True)))
    ann.accept()
    assert len(ann.regions) == 1


def test_clicks_stay_with_the_region_that_they_were_accepted_in(ann: Annotator):
    """Though another one is nearer to them by then."""
    ann.click(20, 20)
    ann.accept()
    (refined,) = ann.regions
    ann.click(48, 20)
    ann.accept()
    ann.click(28, 20, positive=False)
    ann.accept_on_canvas()
    ann.click(30, 20, positive=False)
    assert ann.suggestion
    assert ann.suggestion["id"] == refined


def test_what_people_wrote_on_a_region_outlives_its_refinement(ann: Annotator):
    ann.click(20, 20)
    ann.accept()
    (region,) = ann.regions
    ann.canvas[region]["meta"]["text"] = ["blurred"]
    ann.click(32, 20)
    ann.accept()
    assert ann.canvas[region]["meta"]["text"] == ["blurred"]


BOTH = {"keypointlabels": ["cell", "nucleus"]}


def test_what_was_filled_in_for_a_region_comes_with_its_next_mask_only(server: TestClient):
    (first,) = answer(server, keypoint("a", 20, 20))
    own = {"id": first["id"], "from_name": "extent", "to_name": "image", "type": "choices"}
    chosen = own | {"value": {"choices": ["cut"]}}
    draft = [first, chosen | {"value": first["value"] | chosen["value"]}]
    assert answer(server, keypoint("b", 32, 20), draft)[1:] == [chosen]
    assert answer(server, keypoint("c", 60, 45), draft)[1:] == [], "a new object"


def test_a_mask_of_several_labels_keeps_them(server: TestClient):
    (first,) = answer(server, keypoint("a", 20, 20, value=keypoint("a", 20, 20)["value"] | BOTH))
    assert first["value"]["brushlabels"] == ["cell", "nucleus"]
    relabelled = first | {"value": first["value"] | {"brushlabels": ["nucleus", "cell"]}}
    (refined,) = answer(server, keypoint("b", 32, 20), [relabelled])
    assert (refined["id"], refined["value"]["brushlabels"]) == (first["id"], ["nucleus", "cell"])
    (new,) = answer(server, keypoint("c", 60, 45), [relabelled])
    assert new["value"]["brushlabels"] == ["cell"]


def answer(
    server: TestClient,
    click: dict[str, Any],
    draft: Sequence[dict[str, Any]] = (),
    predictions: Sequence[dict[str, Any]] = (),
) -> list[dict[str, Any]]:
    """What a click is answered with."""
    request = body([click])
    if draft or not predictions:
        request["tasks"][0]["drafts"] = [{"id": 1, "updated_at": "2026", "result": list(draft)}]
    request["tasks"][0]["predictions"] = [{"id": 2, "result": list(predictions)}] if predictions else []
    reply = server.post("/predict", json=request)
    assert reply.status_code == 200, reply.text
    return reply.json()["results"][0]["result"]


def test_clicks_on_a_prediction_go_on_from_it(server: TestClient):
    (made,) = answer(server, keypoint("p", 20, 20))
    predicted = {name: value for name, value in made.items() if name != "meta"}
    (first,) = answer(server, keypoint("a", 32, 20), predictions=[predicted])
    (second,) = answer(server, keypoint("b", 40, 22), [first], predictions=[predicted])
    begun = Start(mask_of(predicted))
    assert second["meta"] == {"clicks": [["a", 32, 20, True], ["b", 40, 22, True]], "begun": begun.name}
    assert np.array_equal(mask_of(second), expected(begun, (32, 20, True), (40, 22, True)))
    (elsewhere,) = answer(server, keypoint("b", 40, 22), [first])
    assert elsewhere["meta"]["clicks"] == [["b", 40, 22, True]], "the prediction is not told any more"


def test_a_mask_that_is_not_what_its_clicks_make_is_started_from(server: TestClient):
    (first,) = answer(server, keypoint("a", 20, 20))
    moved = first | {"meta": {"clicks": [["a", 22, 20, True]], "begun": ""}}
    (second,) = answer(server, keypoint("b", 32, 20), [moved])
    assert second["meta"]["clicks"] == [["b", 32, 20, True]]
    assert np.array_equal(mask_of(second), expected(Start(mask_of(first)), (32, 20, True)))


@pytest.mark.parametrize("slow_drafts", [False, True], ids=["saved", "not saved yet"])
def test_auto_accept_makes_one_region_of_all_clicks_on_an_object(ann: Annotator, slow_drafts: bool):
    ann.auto_accept, ann.slow_drafts = True, slow_drafts
    clicks = [(20, 20, True), (32, 20, True), (40, 22, True), (20, 10, False)]
    for k, click in enumerate(clicks):
        assert np.array_equal(ann.click(*click), expected(None, *clicks[: k + 1]))
    assert len(ann.regions) == 1
    ann.click(60, 45)
    assert len(ann.regions) == 2


def test_fast_auto_accept_inside_the_mask_still_is_one_region(ann: Annotator):
    ann.auto_accept = ann.slow_drafts = True
    ann.click(20, 20)
    ann.click(22, 22)
    assert len(ann.regions) == 1


def test_what_was_accepted_just_now_outlives_a_restart(ann: Annotator, start: StartServer):
    ann.slow_drafts = True
    ann.click(20, 20)
    ann.accept()
    accepted = ann.region(*ann.regions)
    ann.server = start()
    assert np.array_equal(ann.click(32, 20), expected(Start(accepted), (32, 20, True)))
    ann.accept()
    assert len(ann.regions) == 1


@pytest.mark.parametrize("slow_drafts", [False, True], ids=["saved", "not saved yet"])
def test_after_reject_the_same_place_is_a_fresh_start(ann: Annotator, slow_drafts: bool):
    ann.slow_drafts = slow_drafts
    ann.click(20, 20)
    ann.click(30, 20)
    ann.reject()
    assert np.array_equal(ann.click(22, 22), expected(None, (22, 22, True)))


def test_a_click_that_changed_nothing_still_counts(start: StartServer, painter: DiscPainter):
    """Found by test_state_machine.py: the answer to it looks like the mask that it started from."""
    ann = Annotator(start(near_percent=5))
    ann.click(20, 31)
    ann.accept()
    (region,) = ann.regions
    ann.stroke(region, "add", 20, 31, 22, 31, width=2)  # so that the clicks before it do not go on
    unchanged = ann.click(20, 9, positive=False)
    assert np.array_equal(unchanged, ann.region(region))
    ann.click(20, 14, positive=False)
    assert painter.steps[-1][1:] == (Click(20, 9, False, "ann-2"), Click(20, 14, False, "ann-3"))


@pytest.mark.parametrize("slow_drafts", [False, True], ids=["saved", "not saved yet"])
def test_rejecting_a_refinement_goes_back_to_the_accepted_region(ann: Annotator, slow_drafts: bool):
    ann.click(20, 20)
    ann.accept()
    ann.save()
    ann.slow_drafts = slow_drafts
    accepted = ann.region(*ann.regions)
    ann.click(32, 20)
    ann.reject()
    assert np.array_equal(ann.click(32, 21), expected(Start(accepted), (32, 21, True)))
    ann.accept()
    assert len(ann.regions) == 1


def test_undo_delete_and_drag_equal_a_fresh_session_with_what_remains(ann: Annotator):
    for x in (20, 26, 32):
        ann.click(x, 20)
    ann.undo()
    assert np.array_equal(ann.click(20, 30), expected(None, (20, 20, True), (26, 20, True), (20, 30, True)))
    ann.delete(0)
    assert np.array_equal(ann.click(30, 30), expected(None, (26, 20, True), (20, 30, True), (30, 30, True)))
    assert np.array_equal(ann.drag(1, 22, 28), expected(None, (26, 20, True), (22, 28, True), (30, 30, True)))


def test_what_was_erased_is_not_brought_back_by_a_click_beside_it(ann: Annotator, painter: DiscPainter):
    ann.click(20, 20)
    ann.accept()
    (region,) = ann.regions
    ann.stroke(region, "eraser", 12, 8, 12, 32, width=6)
    corrected = ann.region(region)
    painter.paints_everything = True
    shown = ann.click(32, 20)
    assert shown[20, 40]
    assert not shown[10:30, 10:14].any()
    assert shown[corrected].all()


def test_what_was_painted_is_not_dropped_by_a_click_far_from_it(ann: Annotator, painter: DiscPainter):
    ann.click(20, 20)
    ann.accept()
    (region,) = ann.regions
    ann.stroke(region, "add", 30, 20, 60, 40, width=4)
    painter.forgets_everything = True
    shown = ann.click(12, 20, positive=False)
    assert not shown[20, 12]
    assert shown[40, 60]
    assert shown[31, 45]


@pytest.mark.parametrize("way", ["submitted", "drawn", "imported"])
def test_masks_from_elsewhere_are_refined(server: TestClient, way: str):
    ann = Annotator(server)
    if way == "drawn":
        ann.paint_new("by-hand", 10, 20, 40, 20)
    else:
        ann.click(20, 20)
        ann.accept()
        if way == "imported":  # made elsewhere: another server's id
            ann.canvas = {"abc": ann.canvas.pop(*ann.regions) | {"id": "abc"}}
        ann.submit()
    (region,) = ann.regions
    before = ann.region(region)
    if way != "drawn":
        ann = Annotator(server, slow_drafts=True, canvas=ann.canvas, annotations=ann.annotations)
    shown = ann.click(44, 20) if way == "drawn" else ann.click(32, 20)
    assert (shown & ~before).any()
    ann.accept()
    assert ann.regions == [region]


def test_two_annotators_do_not_see_each_other(server: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("click99.sessions.recent_answers.ONE_OPENING", 0)  # they open it at the same moment
    one, other = Annotator(server, "one"), Annotator(server, "other")
    one.slow_drafts = other.slow_drafts = True  # so that nothing but memory could mix them
    one.open()
    other.open()
    one.click(20, 20)
    one.accept()
    assert np.array_equal(other.click(32, 20), expected(None, (32, 20, True)))
    one.save()
    shown = one.click(20, 32)
    assert np.array_equal(shown, expected(Start(one.region(*one.regions)), (20, 32, True)))
    other.accept()
    other.save()
    assert np.array_equal(other.click(44, 20), expected(Start(other.region(*other.regions)), (44, 20, True)))


@pytest.mark.parametrize(("several", "regions"), [(1, 1), (2, 2)])
def test_where_several_annotate_nobody_starts_from_anothers_mask(
    start: StartServer, several: int, regions: int
):
    with running() as label_studio:
        project = json.dumps({"maximum_annotations": several}).encode()
        label_studio.serve("/api/projects/1/", project)
        server = start(label_studio_url=label_studio.url, label_studio_api_key="0" * 40)
        one = Annotator(server, "one", slow_drafts=True)
        one.click(20, 20)
        one.accept()
        one.submit()
        other = Annotator(server, "other", slow_drafts=True, annotations=one.annotations)
        for x in (32, 33):
            other.click(x, 20)
        other.accept()
        assert len({*one.regions, *other.regions}) == regions
        assert label_studio.paths == ["/api/projects/1/"], "asked once"


def test_labels_are_objects_apart(ann: Annotator):
    ann.click(20, 20)
    ann.accept()
    ann.label = "nucleus"
    assert np.array_equal(ann.click(22, 20), expected(None, (22, 20, True)))
    ann.accept()
    ann.label = "cell"
    cell, nucleus = ann.regions
    shown = ann.click(26, 22, positive=False)
    assert np.array_equal(shown, expected(Start(ann.region(cell)), (26, 22, False)))
    ann.accept()
    assert ann.regions == [cell, nucleus]


def test_the_distance_is_a_setting(start: StartServer):
    for near, regions in ((2, 2), (20, 1)):
        ann = Annotator(start(near_percent=near), f"near {near}")
        ann.click(20, 20)
        ann.accept()
        ann.click(36, 20)
        ann.accept()
        assert len(ann.regions) == regions

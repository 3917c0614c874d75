"""What the label config has is what it gets: each example config in a real Label Studio and browser."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
import pytest

from click99.labelstudio import bitmask, polygon
from click99.labelstudio.region_types import write
from click99.segmentation.clicks import Click
from click99.segmentation.robot import robot_click
from tests.e2e.cup import HEIGHT, WIDTH, iou, seen_change, truth
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.workplace import COFFEE, SPOON, Project, Workplace, mask_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

READ: dict[str, Callable[[dict[str, Any]], np.ndarray]] = {
    "brush": mask_of,
    "bitmask": lambda region: bitmask.decode(region["value"]["imageDataURL"], HEIGHT, WIDTH) > 127,
    "polygon": lambda region: polygon.fill(region["value"]["points"], HEIGHT, WIDTH),
}


def project_with(workplace: Workplace, name: str) -> Project:
    return workplace.project(f"output {name}", files("label_config").joinpath(f"{name}.xml").read_text())


def too_much(mask: np.ndarray) -> Click:
    """Where a person would say that this is not the cup: inside the mask, outside the truth."""
    click = robot_click(truth() & mask, mask)
    assert click
    assert not click.positive
    return click


def beside(mask: np.ndarray) -> Click:
    """Background some pixels off the mask: a click inside a kept bitmask selects it, whatever key is held."""
    away = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 5)
    rows, columns = np.nonzero((away > 6) & (away < 9))
    return Click(int(columns[len(columns) // 2]), int(rows[len(rows) // 2]), False)


def still_picture(studio: LabellingPage) -> np.ndarray:
    """The picture once it moves no more: panels come late on a busy machine."""
    before, now = None, studio.picture()
    while before is None or not np.array_equal(before, now):
        studio.page.wait_for_timeout(500)
        before, now = now, studio.picture()
    return now


def saved_draft(studio: LabellingPage, project: Project, task: int, region: str) -> dict[str, Any]:
    """The region as the task's draft holds it, once Label Studio has saved it alone."""
    found: list[dict[str, Any]] = []

    def saved() -> bool:
        found[:] = [item for draft in project.drafts(task) for item in draft]
        return [item["id"] for item in found] == [region]

    studio.wait_for_draft()
    studio.wait_until(saved)
    return found[0]


@pytest.mark.parametrize("kind", ["bitmask", "polygon"])
def test_clicks_make_refine_and_save_a_region_of_that_kind(
    workplace: Workplace, studio: LabellingPage, kind: str
) -> None:
    project = project_with(workplace, kind)
    task = project.task()
    studio.work_on(project.id, task)
    assert studio.hint_lines() == 1
    bare = still_picture(studio)
    for click in (COFFEE, SPOON):
        (suggested,) = studio.click(click).regions
    assert (suggested["type"], suggested["from_name"]) == (f"{kind}labels", kind)
    studio.wait_to_see(lambda seen: iou(seen_change(bare, seen), READ[kind](suggested)) > 0.95)
    studio.screenshot(f"{kind}-1-suggested")
    studio.accept()
    saved = saved_draft(studio, project, task, suggested["id"])
    assert np.array_equal(READ[kind](saved), READ[kind](suggested)), "the browser keeps it as it was sent"

    mask = READ[kind](suggested)
    click = beside(mask) if kind == "bitmask" else too_much(mask)
    (refined,) = studio.click(click).regions
    assert refined["id"] == suggested["id"], "a click on what was accepted refines it"
    assert not READ[kind](refined)[click.y, click.x]
    studio.accept()
    studio.screenshot(f"{kind}-2-refined")
    studio.submit()
    ((saved,),) = project.annotations(task)
    assert (saved["id"], saved["type"]) == (suggested["id"], f"{kind}labels")
    assert saved["value"][f"{kind}labels"] == ["Object"]
    assert np.array_equal(READ[kind](saved), READ[kind](refined))
    assert iou(READ[kind](saved), truth()) > 0.8


def predicted(kind: str, name: str, centre: tuple[int, int], radius: int, **more: Any) -> dict[str, Any]:
    """A disc as a region of another model."""
    x, y = centre
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    control = f"{kind}labels"
    mask = np.hypot(rows - y, columns - x) < radius
    value = write(mask, control, ["Person"], 1).model_dump()  # pyright: ignore[reportArgumentType]
    sizes = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    return {"id": name, "type": control, "from_name": kind, "to_name": "image", "value": value} | sizes | more


@pytest.mark.parametrize("kind", ["brush", "bitmask", "polygon"])
def test_a_prediction_is_refined_under_its_id_and_parent(
    workplace: Workplace, studio: LabellingPage, kind: str
) -> None:
    """Before the first draft and after it; its relations are kept, too, where Auto-Accept is on."""
    project = project_with(workplace, kind)
    task = project.task()
    regions = [
        predicted(kind, "saucer", (60, 330), 40),
        predicted(kind, "cup", (290, 150), 70, parentID="saucer"),
    ]
    relation = {"type": "relation", "from_id": "saucer", "to_id": "cup", "direction": "right", "labels": []}
    told = {"task": task, "model_version": "another's", "result": [*regions, relation]}
    project.client.call("POST", "/api/predictions/", json=told)
    studio.auto_accept(True)
    studio.work_on(project.id, task)
    for click in (Click(290, 225, True), Click(120, 150, False)):
        (refined,) = studio.click(click).regions
        assert (refined["id"], refined["value"][f"{kind}labels"]) == ("cup", ["Person"])
        studio.wait_until(lambda: bool(project.drafts(task)))
    studio.screenshot(f"{kind}-prediction-refined")
    studio.submit()
    ((saucer, cup, related),) = project.annotations(task)
    assert (saucer["id"], cup["id"], cup["parentID"], related["to_id"]) == ("saucer", "cup", "saucer", "cup")
    assert np.array_equal(READ[kind](cup), READ[kind](refined))
    assert np.array_equal(READ[kind](saucer), READ[kind](regions[0]))


@pytest.mark.parametrize(("version", "shown"), [("", "new"), ("v1", "old"), ("v2", "new")])
def test_of_two_predictions_the_one_on_the_canvas_is_refined(
    workplace: Workplace, studio: LabellingPage, version: str, shown: str
) -> None:
    """version: the project's; unset it is the backend's title, which no prediction has."""
    project = project_with(workplace, "brush")
    task = project.task()
    centres = {"old": (60, 330), "new": (290, 150)}
    for made_by, (name, centre) in zip(("v1", "v2"), centres.items(), strict=True):
        told = {"task": task, "model_version": made_by, "result": [predicted("brush", name, centre, 40)]}
        project.client.call("POST", "/api/predictions/", json=told)
    if version:
        project.client.call("PATCH", f"/api/projects/{project.id}/", json={"model_version": version})
    studio.auto_accept(True)
    studio.work_on(project.id, task)
    on_canvas = "() => window.Htx.annotationStore.selected.regionStore.regions.map((each) => each.cleanId)"
    studio.wait_until(lambda: studio.page.evaluate(on_canvas) == [shown])
    x, y = centres[shown]
    (refined,) = studio.click(Click(x, y, False)).regions
    assert refined["id"] == shown


BOTH = """<View>
  <KeyPoint name="click" toName="image" smart="true" smartOnly="true"/>
  <BrushLabels name="brush" toName="image" smart="false"><Label value="Object"/></BrushLabels>
  <PolygonLabels name="polygon" toName="image" smart="false"><Label value="Person"/></PolygonLabels>
  <Image name="image" value="$image"/>
</View>"""


def test_a_polygon_stays_one_beside_a_brush(workplace: Workplace, studio: LabellingPage) -> None:
    """With two controls for masks, a region of the second is refined in it; a new object goes to the first,
    unless a region of the second is selected."""
    project = workplace.project("brush beside polygon", BOTH)
    task = project.task()
    told = {
        "task": task,
        "model_version": "another's",
        "result": [predicted("polygon", "cup", (290, 150), 70)],
    }
    project.client.call("POST", "/api/predictions/", json=told)
    studio.auto_accept(True)
    studio.work_on(project.id, task)
    (refined,) = studio.click(Click(290, 225, True)).regions
    assert (refined["id"], refined["from_name"], refined["type"]) == ("cup", "polygon", "polygonlabels")
    studio.wait_until(lambda: bool(project.drafts(task)))
    (other,) = studio.click(Click(60, 330, True)).regions
    assert (other["from_name"], other["value"]["brushlabels"]) == ("brush", ["Object"])
    studio.submit()
    (saved,) = project.annotations(task)
    assert [(item["type"], item["id"]) for item in saved] == [
        ("polygonlabels", "cup"),
        ("brushlabels", other["id"]),
    ]
    assert np.array_equal(READ["polygon"](saved[0]), READ["polygon"](refined))


LABELS = """<View>
  <Labels name="label" toName="image"><Label value="Cup" hotkey="1"/><Label value="Dish" hotkey="2"/></Labels>
  <KeyPoint name="click" toName="image" smart="true" smartOnly="true"/>
  <Brush name="brush" toName="image" smart="false"/>
  <Image name="image" value="$image"/>
</View>"""


def test_labels_beside_a_brush(workplace: Workplace, studio: LabellingPage) -> None:
    project = workplace.project("labels beside a brush", LABELS)
    task = project.task()
    studio.work_on(project.id, task)
    drawn, _ = studio.click(COFFEE).regions
    studio.accept()
    studio.relabel(COFFEE, "2")
    studio.wait_for_draft()
    refined, labelled = studio.click(SPOON).regions
    assert (refined["id"], labelled["value"]["labels"]) == (drawn["id"], ["Dish"])
    studio.accept()
    studio.screenshot("labels-beside-a-brush")
    studio.submit()
    (saved,) = project.annotations(task)
    assert [(item["id"], item["type"]) for item in saved] == [(drawn["id"], "brush"), (drawn["id"], "labels")]
    assert saved[1]["value"]["labels"] == ["Dish"]
    assert np.array_equal(mask_of(saved[1]), mask_of(refined))


def test_holes_and_parts_of_a_polygon_are_seen(workplace: Workplace, studio: LabellingPage) -> None:
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    away, beside = np.hypot(rows - 200, columns - 220), np.hypot(rows - 200, columns - 480)
    mask = (away < 150) & (away > 60) | (away < 25) | (beside < 70)
    project = project_with(workplace, "polygon")
    empty, full = project.task(), project.task()
    value = {"points": polygon.outline(mask, 1), "closed": True, "polygonlabels": ["Object"]}
    region = {"id": "joined", "type": "polygonlabels", "from_name": "polygon", "to_name": "image"}
    region |= {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0, "value": value}
    project.client.call("POST", f"/api/tasks/{full}/annotations/", json={"result": [region]})
    studio.work_on(project.id, empty)
    bare = still_picture(studio)
    studio.work_on(project.id, full)
    studio.wait_to_see(lambda seen: iou(seen_change(bare, seen), mask) > 0.95)
    studio.screenshot("polygon-3-holes-and-parts")


def refined_by_click(studio: LabellingPage, boxed: dict[str, Any], screenshot: str) -> dict[str, Any]:
    """A box's mask after a negative click on what it has too much."""
    studio.take_up_clicks()
    click = too_much(mask_of(boxed))
    (refined,) = studio.click(click).regions
    studio.screenshot(screenshot)
    assert refined["id"] == boxed["id"]
    assert not mask_of(refined)[click.y, click.x]
    return refined


def test_a_box_is_the_first_prompt_and_clicks_refine_it(workplace: Workplace, studio: LabellingPage) -> None:
    project = project_with(workplace, "box")
    task = project.task()
    studio.work_on(project.id, task)
    assert studio.hint_lines() == 1
    answer = studio.draw_box((165, 10), (415, 315))
    (boxed,) = answer.regions
    assert [sent["type"] for sent in answer.clicks] == ["rectangle"]
    rows, columns = np.nonzero(mask_of(boxed))
    assert 10 <= rows.min() < rows.max() < 316
    assert 165 <= columns.min() < columns.max() < 416
    assert iou(mask_of(boxed), truth()) > 0.7
    studio.screenshot("box-1-suggested")
    studio.accept()
    refined = refined_by_click(studio, boxed, "box-2-refined")
    studio.accept()
    studio.submit()
    ((saved,),) = project.annotations(task)
    assert (saved["id"], saved["type"]) == (boxed["id"], "brushlabels")
    assert np.array_equal(mask_of(saved), mask_of(refined))


def test_clicks_refine_a_boxs_mask_before_it_is_accepted(workplace: Workplace, studio: LabellingPage) -> None:
    """With Ctrl: without it Label Studio selects the box."""
    project = project_with(workplace, "box")
    task = project.task()
    studio.work_on(project.id, task)
    (boxed,) = studio.draw_box((165, 10), (415, 315)).regions
    refined = refined_by_click(studio, boxed, "box-3-refined-while-pending")
    assert (mask_of(refined) & mask_of(boxed)).sum() > 0.8 * mask_of(boxed).sum(), "it starts from the box's"
    studio.accept()
    studio.submit()
    ((saved,),) = project.annotations(task)
    assert np.array_equal(mask_of(saved), mask_of(refined))


def test_another_object_does_not_cover_the_kept_one(workplace: Workplace, studio: LabellingPage) -> None:
    """A click just beside it, whose own mask meets it, is about it; one elsewhere, and a box, are not."""
    project = project_with(workplace, "box")
    task, saucer = project.task(), ((100, 180), (480, 380))
    studio.work_on(project.id, task)
    (alone,) = studio.draw_box(*saucer).regions
    studio.reject()
    for click in (COFFEE, SPOON):
        (cup,) = studio.click(click).regions
    studio.accept()
    near = beside(mask_of(cup))
    (refined,) = studio.click(Click(near.x, near.y, True)).regions
    studio.accept()
    assert studio.regions() == [refined["id"]] == [cup["id"]]
    studio.click(Click(60, 330, True))
    studio.accept()
    studio.wait_for_draft()
    studio.draw_box(*saucer)
    studio.accept()
    studio.screenshot("box-4-beside-the-kept")
    studio.submit()
    ((kept, far, boxed),) = project.annotations(task)
    assert np.array_equal(mask_of(kept), mask_of(refined))
    assert (mask_of(alone) & mask_of(kept)).sum() > 1000, "where nothing was kept, it is its"
    for new in (far, boxed):
        assert mask_of(new).sum() > 1000
    assert not (mask_of(far) & mask_of(kept)).any()
    shared = (mask_of(boxed) & mask_of(kept)).sum()
    assert shared == 0 or shared > mask_of(boxed).sum() / 2, "a box's mask may lie on what is most of it"


def test_the_doctor_understands_every_example(workplace: Workplace) -> None:
    projects = {name: project_with(workplace, name) for name in ("brush", "bitmask", "polygon", "box")}
    for project in projects.values():
        project.task()
    lines = workplace.click99.run("doctor").stdout.splitlines()
    for name, project in projects.items():
        told = [line for line in lines if f"Project {project.id}, output {name} " in line]
        assert len(told) == 2, lines
        assert all("✓" in line for line in told), told

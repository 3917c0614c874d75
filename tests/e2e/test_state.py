"""What people do between clicks, in a real browser and a real Label Studio (docs/explanation/state.md)."""

from __future__ import annotations

import numpy as np
import pytest

from click99.labelstudio import brush
from click99.labelstudio.controls import Target
from click99.labelstudio.payloads import Work
from click99.labelstudio.regions import Region, drawn_regions, made_from
from click99.segmentation.clicks import Click
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.workplace import (
    BACK,
    COFFEE,
    FRONT,
    HANDLE,
    RIGHT,
    SAUCER,
    SPOON,
    Click99,
    Project,
    Workplace,
    mask_of,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_undo_delete_drag_and_reject_equal_a_fresh_session(
    studio: LabellingPage, project: Project, click99: Click99
) -> None:
    task = project.task()
    studio.work_on(project.id, task)
    first, second = studio.click(COFFEE), studio.click(SPOON)
    studio.click(SAUCER)
    studio.undo()
    answers = [studio.click(HANDLE)]
    assert len(answers[0].clicks) == 3
    answers.append(studio.drag(HANDLE, Click(195, 225, True)))
    assert answers[1].clicks[2]["id"] == answers[0].clicks[2]["id"]
    studio.reject()
    answers.append(studio.click(COFFEE))
    assert len(answers[2].clicks) == 1
    for answer in (first, second, *answers):
        fresh = click99.fresh_answer(project.read(task), answer.clicks)
        assert np.array_equal(mask_of(answer.regions[0]), fresh)


@pytest.mark.parametrize("way", ["in the bar", "on the canvas", "automatically"])
def test_after_accepting_the_next_click_refines_the_region(
    studio: LabellingPage, project: Project, way: str
) -> None:
    accept = {"in the bar": studio.accept, "on the canvas": studio.accept_on_canvas}.get(way, lambda: None)
    studio.auto_accept(way == "automatically")
    task = project.task()
    studio.work_on(project.id, task)
    first = studio.click(COFFEE)
    if way == "on the canvas":  # the ✓ is drawn below the mask, so that must not reach down to the border
        for click in (SAUCER, SPOON, FRONT):
            studio.click(click)
    accept()
    (region,) = studio.regions()
    second = studio.click(RIGHT)  # the draft is not saved yet
    accept()
    assert len(second.clicks) == (5 if way == "on the canvas" else 1)
    assert studio.regions() == [region]
    studio.wait_for_draft()
    third = studio.click(BACK)
    studio.screenshot(f"accepted {way}".replace(" ", "-"))
    accept()
    assert studio.regions() == [region]
    assert {answer.regions[0]["id"] for answer in (first, second, third)} == {region}
    studio.submit()
    (saved,) = project.annotations(task)
    (brushed,) = [item for item in saved if item["type"] == "brushlabels"]
    assert np.array_equal(mask_of(brushed), mask_of(third.regions[0]))
    assert made_from(brushed) == made_from(third.regions[0]), "Label Studio keeps what the mask is made from"


def test_strokes_are_corrections_and_reopening_goes_on_from_them(
    studio: LabellingPage, project: Project
) -> None:
    task = project.task()
    studio.work_on(project.id, task)
    accepted = mask_of(studio.click(COFFEE).regions[0])
    studio.accept()
    (region,) = studio.regions()
    studio.erase(region, (230, 100), (330, 100))
    studio.paint((480, 60), (540, 80), region=region)
    drawn = in_draft(studio, project, task)
    by_click = studio.click(HANDLE)
    studio.screenshot("click-after-strokes")
    assert by_click.regions[0]["id"] == region
    assert drawn.by_hand is not None
    erased, painted = drawn.by_hand & accepted, drawn.by_hand & ~accepted
    assert min(erased.sum(), painted.sum()) > 300
    assert not mask_of(by_click.regions[0])[erased].any()
    assert mask_of(by_click.regions[0])[painted].all()

    studio.reject()
    studio.submit()
    (saved,) = project.annotations(task)
    (item,) = saved
    difference = mask_of(item) != whole(drawn)
    assert difference.sum() <= 0.01 * drawn.by_hand.sum(), "drawn as the browser draws it"

    studio.work_on(project.id, task)  # submitted, then opened again
    again = studio.click(SPOON)
    assert again.regions[0]["id"] == region
    assert not mask_of(again.regions[0])[erased & ~mask_of(item)].all()
    assert mask_of(again.regions[0])[painted & mask_of(item)].all()
    studio.accept()
    studio.update()
    (updated,) = project.annotations(task)
    assert [item["id"] for item in updated] == [region]


def test_a_skipped_annotation_goes_on_when_it_is_reopened(studio: LabellingPage, project: Project) -> None:
    task = project.task()
    studio.work_on(project.id, task)
    (kept,) = studio.click(COFFEE).regions
    studio.reject()
    told = {"result": [kept], "was_cancelled": True}
    project.client.call("POST", f"/api/tasks/{task}/annotations/?project={project.id}", json=told)
    studio.work_on(project.id, task)
    assert studio.regions() == [kept["id"]]
    (refined,) = studio.click(SPOON).regions
    studio.screenshot("skipped-and-refined")
    assert refined["id"] == kept["id"]
    assert not mask_of(refined)[SPOON.y, SPOON.x]


def in_draft(studio: LabellingPage, project: Project, task: int) -> Region:
    """The only region of the newest draft, once that is saved."""
    studio.wait_for_draft()
    (draft,) = project.drafts(task)
    target = Target("brush", "image", "Object")
    (drawn,) = drawn_regions(Work.model_validate({"result": draft}), [target], 400, 600)
    return drawn


def whole(drawn: Region) -> np.ndarray:
    mask = np.zeros((400, 600), bool)
    height, width = drawn.pixels.shape
    mask[drawn.top : drawn.top + height, drawn.left : drawn.left + width] = drawn.pixels
    return mask


def test_imported_and_hand_drawn_masks_are_refined(studio: LabellingPage, project: Project) -> None:
    mask = np.zeros((400, 600), np.uint8)
    mask[100:200, 230:330] = 255
    item = {
        "id": "imported-1",
        "type": "brushlabels",
        "from_name": "brush",
        "to_name": "image",
        "original_width": 600,
        "original_height": 400,
        "image_rotation": 0,
        "value": {"format": "rle", "rle": brush.encode(mask), "brushlabels": ["Object"]},
    }
    task = project.task()
    project.client.call("POST", f"/api/tasks/{task}/annotations", json={"result": [item]})
    studio.work_on(project.id, task)
    assert studio.click(Click(300, 206, True)).regions[0]["id"] == "imported-1"
    studio.accept()
    assert studio.regions() == ["imported-1"]

    studio.work_on(project.id, project.task())
    studio.paint((260, 150), (320, 150))
    (region,) = studio.regions()
    studio.wait_for_draft()
    answer = studio.click(Click(290, 155, True))
    studio.screenshot("click-on-a-hand-drawn-mask")
    assert answer.regions[0]["id"] == region


WAND = """<View>
  <KeyPointLabels name="click" toName="image" smart="true" smartOnly="true">
    <Label value="Object" hotkey="1"/></KeyPointLabels>
  <BrushLabels name="brush" toName="image" smart="false"><Label value="Object"/></BrushLabels>
  <MagicWand name="wand" toName="image"/>
  <Image name="image" value="$image"/>
</View>"""


@pytest.mark.parametrize("accepted", [False, True], ids=["and rejected", "and accepted"])
def test_a_magic_wands_mask_is_refined_before_it_is_submitted(
    studio: LabellingPage, workplace: Workplace, accepted: bool
) -> None:
    project = workplace.project("magic wand", WAND)
    task = project.task()
    studio.work_on(project.id, task)
    studio.wave_wand((290, 150), (300, 170))
    (region,) = studio.regions()
    drawn = in_draft(studio, project, task)
    answer = studio.click(SAUCER)
    studio.screenshot("click-on-a-magic-wands-mask")
    assert answer.regions[0]["id"] == region
    assert (mask_of(answer.regions[0]) & whole(drawn)).sum() > 0.9 * whole(drawn).sum() > 1000
    studio.accept() if accepted else studio.reject()
    studio.submit()
    (saved,) = project.annotations(task)
    (brushed,) = [item for item in saved if item["type"] == "brushlabels"]
    expected = mask_of(answer.regions[0]) if accepted else whole(drawn)  # read as the browser saves it
    assert np.array_equal(mask_of(brushed), expected)


PER_REGION = """<View>
  <KeyPointLabels name="click" toName="image" smart="true" smartOnly="true">
    <Label value="Object" hotkey="1"/></KeyPointLabels>
  <BrushLabels name="brush" toName="image" smart="false"><Label value="Object"/></BrushLabels>
  <Image name="image" value="$image"/>
  <Choices name="extent" toName="image" perRegion="true">
    <Choice value="whole"/><Choice value="cut"/></Choices>
  <Rating name="sharpness" toName="image" perRegion="true"/>
  <Number name="count" toName="image" perRegion="true"/>
  <TextArea name="remark" toName="image" perRegion="true"/>
</View>"""
FILLED_IN = {"choices": ["cut"], "rating": 3, "number": 7, "text": ["chipped"]}


def test_what_was_filled_in_for_a_region_outlives_its_refinement(
    studio: LabellingPage, workplace: Workplace
) -> None:
    project = workplace.project("per region", PER_REGION)
    task = project.task()
    studio.work_on(project.id, task)
    studio.click(COFFEE)
    studio.accept()
    (region,) = studio.regions()
    studio.fill_in(region, choice="cut", stars=3, number="7", text="chipped")
    studio.wait_for_draft()
    refined = studio.click(RIGHT)
    studio.accept()
    studio.select(region)
    studio.screenshot("filled-in-for-a-region")
    assert studio.page.get_by_role("checkbox", name="cut").is_checked()
    studio.submit()
    (saved,) = project.annotations(task)
    assert {item["id"] for item in saved} == {region}
    assert np.array_equal(mask_of(saved[0]), mask_of(refined.regions[0]))
    values = [{key: item["value"].get(key) for key in FILLED_IN if key in item["value"]} for item in saved]
    assert values == [{}, *({key: value} for key, value in FILLED_IN.items())]

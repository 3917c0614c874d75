"""Several people, tabs, labels, pictures and projects at once; slow answers, restarts, and a mask forgotten.

In a real browser and a real Label Studio (docs/explanation/state.md has the list).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from click99.segmentation.clicks import Click
from tests.e2e.labelling_page import LabellingPage, answer_of
from tests.e2e.workplace import COFFEE, HANDLE, KEYS, SAUCER, SPOON, Click99, Project, Workplace, mask_of
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_two_annotators_on_one_task(
    studio: LabellingPage, log_in: Callable[[str], LabellingPage], project: Project, click99: Click99
) -> None:
    other, task = log_in("other@example.com"), project.task()
    other.auto_accept(False)
    for page in (studio, other):
        page.work_on(project.id, task)
        page.page.wait_for_timeout(2500)  # two openings, not one
    mine = studio.click(COFFEE)
    studio.accept()
    theirs = other.click(HANDLE)
    fresh = click99.fresh_answer(project.read(task), theirs.clicks)
    assert np.array_equal(mask_of(theirs.regions[0]), fresh)
    assert mine.regions[0]["id"] != theirs.regions[0]["id"]
    other.accept()
    for page in (studio, other):
        page.wait_for_draft()
    assert other.click(SPOON).regions[0]["id"] == theirs.regions[0]["id"]
    assert studio.click(SPOON).regions[0]["id"] == mine.regions[0]["id"]
    for page in (other, studio):
        page.accept()
        page.submit()
    assert [[item["id"] for item in saved] for saved in project.annotations(task)] == [
        [theirs.regions[0]["id"]],
        [mine.regions[0]["id"]],
    ]
    assert other.errors == []


def test_one_annotator_in_two_tabs(studio: LabellingPage, project: Project, click99: Click99) -> None:
    tab, task = studio.another_tab(), project.task()
    for page in (studio, tab):
        page.work_on(project.id, task)
        page.hold_drafts()  # one tab's draft is the other's, too
    answers = [studio.click(COFFEE), tab.click(HANDLE), studio.click(SPOON), tab.click(SAUCER)]
    for answer in answers:
        fresh = click99.fresh_answer(project.read(task), answer.clicks)
        assert np.array_equal(mask_of(answer.regions[0]), fresh)
    assert len({answer.regions[0]["id"] for answer in answers}) == 2
    assert tab.errors == []
    tab.page.close()


def test_labels_are_objects_apart(studio: LabellingPage, workplace: Workplace, click99: Click99) -> None:
    project = workplace.project("keys", KEYS)
    task = project.task()
    studio.work_on(project.id, task)
    studio.click(COFFEE)
    studio.accept()
    (cup,) = studio.regions()
    person = studio.click(COFFEE, key="2")
    fresh = click99.fresh_answer(project.read(task), person.clicks)
    assert np.array_equal(mask_of(person.regions[0]), fresh)
    studio.accept()
    studio.wait_for_draft()  # reading the task counted as another opening, so nothing is guessed before
    assert studio.click(SPOON).regions[0]["id"] == cup
    studio.accept()
    assert sorted(studio.regions()) == sorted([cup, person.regions[0]["id"]])


TWO_IMAGES = """<View>
  <Image name="left" value="$image"/>
  <KeyPointLabels name="left click" toName="left" smart="true" smartOnly="true">
    <Label value="Cup" hotkey="1"/></KeyPointLabels>
  <BrushLabels name="left brush" toName="left"><Label value="Cup"/></BrushLabels>
  <Image name="right" value="$other"/>
  <KeyPointLabels name="right click" toName="right" smart="true" smartOnly="true">
    <Label value="Dish" hotkey="2"/></KeyPointLabels>
  <BrushLabels name="right brush" toName="right"><Label value="Dish"/></BrushLabels>
</View>"""


def test_several_images_in_a_task_and_several_projects(
    studio: LabellingPage, project: Project, workplace: Workplace
) -> None:
    pair = workplace.project("two images", TWO_IMAGES)
    task = pair.task(other=pair.image)
    studio.work_on(pair.id, task)
    left = studio.click(COFFEE)
    studio.accept()
    studio.image = 1
    studio.take_up_clicks()
    right = studio.click(COFFEE, key="2")
    studio.screenshot("two-images")
    studio.accept()
    studio.image = 0
    studio.take_up_clicks()
    names = [(answer.regions[0]["from_name"], answer.regions[0]["to_name"]) for answer in (left, right)]
    assert names == [("left brush", "left"), ("right brush", "right")]
    assert np.array_equal(mask_of(left.regions[0]), mask_of(right.regions[0]))
    again = studio.click(SPOON)
    assert again.regions[0]["id"] == left.regions[0]["id"]
    studio.work_on(project.id, project.task())
    elsewhere = studio.click(COFFEE)
    assert elsewhere.regions[0]["from_name"] == "brush"
    assert np.array_equal(mask_of(elsewhere.regions[0]), mask_of(left.regions[0]))


LIST = """<View>
  <Image name="image" valueList="$images"/>
  <KeyPointLabels name="click" toName="image" smart="true" smartOnly="true">
    <Label value="Object" hotkey="1"/></KeyPointLabels>
  <BrushLabels name="brush" toName="image"><Label value="Object"/></BrushLabels>
</View>"""


def test_several_pictures_in_one_tag(studio: LabellingPage, workplace: Workplace) -> None:
    project = workplace.project("list of images", LIST)
    pictures = [project.image, workplace.picture("chelsea.png")]
    task = project.task(images=pictures)
    studio.work_on(project.id, task)
    (first,) = studio.click(COFFEE).regions
    studio.accept()
    studio.turn_to(1)
    answer = studio.click(Click(200, 150, True))
    studio.screenshot("second-picture-of-a-list")
    (second,) = answer.regions
    assert [region["item_index"] for region in (first, second)] == [0, 1]
    assert second["original_width"] != first["original_width"], "it is another picture"
    assert mask_of(second)[150, 200]
    studio.accept()
    studio.turn_to(0)
    (refined,) = studio.click(SPOON).regions
    assert refined["id"] == first["id"]
    studio.accept()
    studio.submit()
    (saved,) = project.annotations(task)
    assert {item["id"]: item["item_index"] for item in saved} == {first["id"]: 0, second["id"]: 1}


def test_parallel_clicks_end_in_the_last_ones_mask(
    studio: LabellingPage, project: Project, click99: Click99
) -> None:
    task = project.task()
    studio.work_on(project.id, task)
    with studio.collected() as responses:
        click99.freeze()
        for click in (COFFEE, HANDLE, SPOON):
            with studio.page.expect_request(lambda request: "interactive-annotating" in request.url):
                studio.send_click(click)
        click99.thaw()
        studio.wait_until(lambda: len(responses) == 3)
    last = max(map(answer_of, responses), key=lambda answer: len(answer.clicks))
    fresh = click99.fresh_answer(project.read(task), last.clicks)
    assert np.array_equal(mask_of(last.regions[0]), fresh)
    studio.accept()
    studio.submit()
    (saved,) = project.annotations(task)
    assert np.array_equal(mask_of(saved[0]), fresh)


def test_a_restart_in_the_middle_changes_nothing(
    studio: LabellingPage, project: Project, click99: Click99
) -> None:
    task = project.task()
    studio.work_on(project.id, task)
    studio.click(COFFEE)
    click99.restart()
    answer = studio.click(SPOON)
    assert np.array_equal(mask_of(answer.regions[0]), click99.fresh_answer(project.read(task), answer.clicks))
    studio.accept()
    studio.wait_for_draft()
    click99.restart()
    assert studio.click(SAUCER).regions[0]["id"] == answer.regions[0]["id"]


def test_a_mask_submitted_before_it_was_accepted_is_restored(
    studio: LabellingPage, project: Project, click99: Click99
) -> None:
    task = project.task()
    studio.work_on(project.id, task)
    studio.click(COFFEE)
    shown = mask_of(studio.click(SPOON).regions[0])
    studio.submit()
    (saved,) = project.annotations(task)
    assert {item["type"] for item in saved} == {"keypoint"}, "Label Studio keeps no mask"
    until(lambda: f"Task {task}, annotation" in click99.log.read_text())
    until(lambda: click99.metric("click99_unaccepted_total") >= 1)

    recover = ["recover", "--project", str(project.id)]
    dry = click99.run(*recover)
    assert (dry.returncode, "Nothing is written yet" in dry.stdout) == (0, True), dry.stdout + dry.stderr
    assert f"task {task}" in dry.stdout
    assert project.annotations(task) == [saved]
    wet = click99.run(*recover, "--apply")
    assert (wet.returncode, "Written" in wet.stdout) == (0, True), wet.stdout + wet.stderr
    ((restored,),) = project.annotations(task)
    assert np.array_equal(mask_of(restored), shown)
    studio.work_on(project.id, task)
    assert studio.regions() == [restored["id"]]
    studio.screenshot("recovered")
    assert "has its mask" in click99.run(*recover).stdout


MULTIPLE = """<View>
  <Image name="image" value="$image"/>
  <KeyPointLabels name="click" toName="image" smart="true" smartOnly="true" choice="multiple">
    <Label value="Cup" hotkey="1"/><Label value="Hot" hotkey="2"/></KeyPointLabels>
  <BrushLabels name="brush" toName="image" choice="multiple">
    <Label value="Cup"/><Label value="Hot"/></BrushLabels>
</View>"""


def test_several_labels_of_one_object(studio: LabellingPage, workplace: Workplace) -> None:
    project = workplace.project("several labels", MULTIPLE)
    task = project.task()
    studio.work_on(project.id, task)
    masks = []
    for click in (COFFEE, SPOON):
        studio.page.keyboard.press("1")  # a click unselects all labels
        masks += studio.click(click, key="2").regions
    studio.screenshot("several-labels")
    studio.accept()
    studio.submit()
    (saved,) = project.annotations(task)
    assert [item["value"]["brushlabels"] for item in (*masks, *saved)] == 3 * [["Cup", "Hot"]]
    assert {item["id"] for item in (*masks, *saved)} == {masks[0]["id"]}

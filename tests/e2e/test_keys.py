"""Clicks without a key before each: labels come afterwards, and last. What each way of working costs."""

from __future__ import annotations

import csv
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from click99.segmentation.clicks import Click
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.workplace import BACK, BRUSH, COFFEE, KEYS, SAUCER, SPOON, Project, Workplace, mask_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

# Three objects of coffee.png, by the key of their label: the cup, what stands on the left, and behind.
OBJECTS = {
    "1": [COFFEE, SPOON, Click(250, 60, True)],
    "2": [Click(60, 330, True), Click(40, 360, True), BACK],
    "3": [Click(560, 40, True), Click(520, 60, True), Click(150, 30, False)],
}
LABELS = {"1": "Object", "2": "Person", "3": "Animal"}
COUNT = """() => {
  window.gestures = {keys: 0, clicks: 0, travel: 0};
  let at = null;
  document.addEventListener("keydown", e => {
    if (!["Control", "Alt"].includes(e.key)) window.gestures.keys += 1;
  }, true);
  document.addEventListener("mousedown", () => window.gestures.clicks += 1, true);
  document.addEventListener("mousemove", e => {
    if (at) window.gestures.travel += Math.hypot(e.screenX - at[0], e.screenY - at[1]);
    at = [e.screenX, e.screenY];
  }, true);
}"""


@pytest.fixture
def without_keys(workplace: Workplace) -> Project:
    return workplace.project("without keys", BRUSH)


def test_a_label_given_afterwards_stays(studio: LabellingPage, without_keys: Project) -> None:
    task = without_keys.task()
    studio.work_on(without_keys.id, task)
    (suggested,) = studio.click(COFFEE).regions
    assert suggested["value"]["brushlabels"] == ["Object"]
    studio.accept()
    studio.relabel(COFFEE, "2")
    studio.wait_for_draft()
    (refined,) = studio.click(SPOON).regions
    assert (refined["id"], refined["value"]["brushlabels"]) == (suggested["id"], ["Person"])
    studio.accept()
    studio.screenshot("without-keys-relabelled")
    studio.submit()
    ((saved,),) = without_keys.annotations(task)
    assert (saved["id"], saved["value"]["brushlabels"]) == (suggested["id"], ["Person"])
    assert np.array_equal(mask_of(saved), mask_of(refined))

    studio.work_on(without_keys.id, task)
    (again,) = studio.click(SAUCER).regions
    assert (again["id"], again["value"]["brushlabels"]) == (suggested["id"], ["Person"]), "reopened"


def test_a_new_object_has_the_label_that_was_chosen_last(
    studio: LabellingPage, without_keys: Project
) -> None:
    """Though it was given to an older mask than the newest."""
    task = without_keys.task()
    studio.work_on(without_keys.id, task)
    for place in (COFFEE, OBJECTS["2"][0]):
        studio.click(place)
        studio.accept()
        studio.wait_for_draft()
    studio.relabel(COFFEE, "3")
    studio.wait_for_draft()
    (third,) = studio.click(OBJECTS["3"][0]).regions
    assert third["value"]["brushlabels"] == ["Animal"]


def test_clicks_of_a_relabelled_region_count_for_no_other(
    studio: LabellingPage, workplace: Workplace
) -> None:
    """The ✓ on the canvas leaves them, and each later click of their label brings them again."""
    project = workplace.project("relabelled", KEYS)
    task = project.task()
    studio.work_on(project.id, task)
    (cup,) = studio.click(COFFEE).regions
    studio.accept_on_canvas()
    studio.select(cup["id"])
    studio.page.locator(".lsf-labels").last.locator(".lsf-label", has_text="Person").first.click()
    studio.key("Escape")
    studio.wait_for_draft()
    studio.take_up_clicks()
    answer = studio.click(Click(60, 330, True))
    assert len(answer.clicks) == 2
    (other,) = answer.regions
    assert other["id"] != cup["id"]
    assert not (mask_of(other) & mask_of(cup)).any()
    assert [name for name, *_ in other["meta"]["clicks"]] == [answer.clicks[1]["id"]]
    studio.accept()
    studio.submit()
    (saved,) = project.annotations(task)
    assert [item["value"]["brushlabels"] for item in saved] == [["Person"], ["Object"]]


def test_labels_of_the_task_need_no_keys(studio: LabellingPage, workplace: Workplace) -> None:
    brush = '<BrushLabels name="brush" toName="image" smart="false" value="$kinds"/>'
    dots = '<KeyPoint name="click" toName="image" smart="true" smartOnly="true"/>'
    picture = '<Image name="image" value="$image"/>'
    project = workplace.project("labels of the task", f"<View>{dots}{brush}{picture}</View>")
    task = project.task(kinds=[{"value": "Cup"}, {"value": "Dish"}])
    studio.work_on(project.id, task)
    studio.click(COFFEE)
    studio.accept()
    studio.submit()
    ((saved,),) = project.annotations(task)
    assert saved["value"]["brushlabels"] == ["Cup"]


def test_undo_under_auto_accept_brings_the_mask_before(studio: LabellingPage, without_keys: Project) -> None:
    task = without_keys.task()
    studio.auto_accept(True)
    studio.work_on(without_keys.id, task)
    (first,) = studio.click(COFFEE).regions
    before = studio.picture()
    (second,) = studio.click(SPOON).regions
    assert studio.regions() == [first["id"]] == [second["id"]]
    after = studio.picture()
    studio.undo()
    changed = np.abs(after - before).sum()
    assert changed > 0
    studio.wait_to_see(lambda seen: bool(np.abs(seen - before).sum() < changed / 10))
    studio.screenshot("auto-accept-undone")
    studio.submit()
    ((saved,),) = without_keys.annotations(task)
    assert np.array_equal(mask_of(saved), mask_of(first))


FAR, MIDDLE = Click(60, 330, True), Click(300, 160, False)  # off the cup, and inside it


def test_undoing_all_under_auto_accept_leaves_nothing(studio: LabellingPage, without_keys: Project) -> None:
    task = without_keys.task()
    studio.auto_accept(True)
    studio.work_on(without_keys.id, task)
    for click in (COFFEE, SPOON):
        studio.click(click)
    for _ in range(3):
        studio.undo()
    assert studio.regions() == studio.dots() == []
    answer = studio.click(FAR)
    assert len(answer.clicks) == 1
    studio.submit()
    ((saved,),) = without_keys.annotations(task)
    assert np.array_equal(mask_of(saved), mask_of(answer.regions[0]))


def test_a_stray_dot_goes_by_backspace(studio: LabellingPage, without_keys: Project) -> None:
    task = without_keys.task()
    studio.work_on(without_keys.id, task)
    studio.click(COFFEE)
    studio.wait_for_draft()
    studio.work_on(without_keys.id, task)
    (stray,) = studio.dots()
    assert studio.click(FAR).clicks[0]["id"] == stray, "it comes with every click"
    studio.accept()
    studio.screenshot("stray-dot")
    studio.press(COFFEE.x, COFFEE.y)
    assert studio.pending() == [], "a click on it only selects it"
    studio.key("Backspace")
    assert studio.dots() == []
    assert len(studio.click(COFFEE).clicks) == 1


@pytest.mark.parametrize("auto", [False, True], ids=["by hand", "Auto-Accept"])
def test_a_click_that_leaves_nothing_makes_no_region(
    studio: LabellingPage, without_keys: Project, auto: bool
) -> None:
    task = without_keys.task()
    studio.auto_accept(auto)
    studio.work_on(without_keys.id, task)
    assert studio.click(Click(560, 40, False)).regions == []
    assert studio.regions() == []
    assert len(studio.dots()) == (0 if auto else 1), "without Auto-Accept it waits for the next click"
    answer = studio.click(COFFEE)
    assert len(answer.clicks) == (1 if auto else 2)
    if not auto:
        studio.accept()
    studio.submit()
    ((saved,),) = without_keys.annotations(task)
    assert np.array_equal(mask_of(saved), mask_of(answer.regions[0]))


def test_a_click_without_ctrl_selects_until_esc(studio: LabellingPage, without_keys: Project) -> None:
    studio.work_on(without_keys.id, without_keys.task())
    (kept,) = studio.click(COFFEE).regions
    studio.accept()
    assert mask_of(kept)[MIDDLE.y, MIDDLE.x]
    studio.press(COFFEE.x, COFFEE.y)
    studio.send_click(MIDDLE)
    studio.rest(10)
    assert studio.pending() == [], "it is swallowed, though Ctrl is held"
    studio.press(COFFEE.x, COFFEE.y)
    studio.key("Escape")
    (refined,) = studio.click(MIDDLE).regions
    assert refined["id"] == kept["id"]
    assert not mask_of(refined)[MIDDLE.y, MIDDLE.x]


def test_m_chooses_the_dots_and_ctrl_enter_submits(studio: LabellingPage, without_keys: Project) -> None:
    first, second = without_keys.task(), without_keys.task()
    studio.forget_tool()
    studio.show(without_keys.id, first)
    studio.key("m")
    studio.wait_until(lambda: studio.tool().startswith("KeyPointTool-dynamic"))
    studio.click(COFFEE)
    studio.accept()
    studio.erase(studio.regions()[0], (230, 100), (330, 100), take_up=False)
    studio.submit(by_key=True)
    assert [len(saved) for saved in without_keys.annotations(first)] == [1]

    studio.show(without_keys.id, second)
    studio.wait_until(lambda: studio.tool() == "EraserTool")  # it stays chosen
    studio.press(COFFEE.x, COFFEE.y)
    assert studio.pending() == []
    studio.key("m")
    studio.wait_until(lambda: studio.tool().startswith("KeyPointTool-dynamic"))
    assert len(studio.click(COFFEE).clicks) == 1


TAGS = {"brush": "BrushLabels", "bitmask": "BitmaskLabels", "polygon": "PolygonLabels"}
WAYS = ["keys", "no keys", "no keys, Auto-Accept"]


@pytest.mark.parametrize("kind", os.environ.get("GESTURES", "brush").split())
def test_no_keys_take_the_fewest_gestures(
    studio: LabellingPage, workplace: Workplace, screenshots: Path, kind: str
) -> None:
    """What each way of working costs; written down beside the screenshots.

    GESTURES="brush bitmask polygon" for all three. A click on a kept bitmask selects it, so that of those
    none can be refined under Auto-Accept.
    """
    ways = WAYS[:2] if kind == "bitmask" else WAYS
    gestures = {way: three_objects_of_three_labels(studio, workplace, kind, way) for way in ways}
    with (screenshots / f"gestures-{kind}.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["way", "keys", "clicks", "travel"])
        writer.writerows([name, *map(round, way.values())] for name, way in gestures.items())
    cost = {way: counted["keys"] + counted["clicks"] for way, counted in gestures.items()}
    assert [*cost.values()] == sorted(cost.values(), reverse=True)
    assert len({*cost.values()}) == len(ways)


def three_objects_of_three_labels(
    studio: LabellingPage, workplace: Workplace, kind: str, way: str
) -> dict[str, float]:
    keyed, auto = way == "keys", way == WAYS[2]
    config = files("label_config").joinpath(f"{kind}.xml").read_text()
    if keyed:
        config = KEYS.replace("BrushLabels", TAGS[kind]).replace('"brush"', f'"{kind}"')
    project = workplace.project(f"{kind}, {way}", config)
    task = project.task()
    studio.auto_accept(auto)
    studio.work_on(project.id, task)
    assert studio.hint_lines() == 1
    studio.page.evaluate(COUNT)
    for key, clicks in OBJECTS.items():
        for click in clicks:
            studio.click(click, key=key, look=False)
        if not auto:
            studio.accept(look=False)
        if not keyed and key != "1":
            studio.relabel(clicks[0], key, look=False)
    gestures = studio.page.evaluate("() => window.gestures")
    studio.screenshot(f"three-labels, {kind}, {way}")
    studio.submit()
    (saved,) = project.annotations(task)
    assert labels_of(saved, f"{kind}labels") == sorted(LABELS.values())
    return gestures


def labels_of(items: list[dict[str, Any]], kind: str) -> list[str]:
    return sorted(item["value"][kind][0] for item in items if item["type"] == kind)

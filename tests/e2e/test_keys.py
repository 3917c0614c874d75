"""Clicks without a key before each: labels come afterwards, and last. What each way of working costs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from click99.segmentation.clicks import Click
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.workplace import BRUSH, COFFEE, KEYS, SAUCER, SPOON, Project, Workplace, mask_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

# Three objects of coffee.png, by the key of their label: the cup, what stands on the left, and behind.
OBJECTS = {
    "1": [COFFEE, SPOON, Click(250, 60, True)],
    "2": [Click(60, 330, True), Click(40, 360, True), Click(290, 150, False)],
    "3": [Click(560, 40, True), Click(520, 60, True), Click(440, 330, False)],
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
    assert np.abs(studio.picture() - before).sum() < np.abs(after - before).sum() / 10
    studio.screenshot("auto-accept-undone")
    studio.submit()
    ((saved,),) = without_keys.annotations(task)
    assert np.array_equal(mask_of(saved), mask_of(first))


WAYS = {"keys": (KEYS, False), "no keys": (BRUSH, False), "no keys, Auto-Accept": (BRUSH, True)}


def test_no_keys_take_the_fewest_gestures(
    studio: LabellingPage, workplace: Workplace, screenshots: Path
) -> None:
    """What each way of working costs; written down beside the screenshots."""
    gestures = {way: three_objects_of_three_labels(studio, workplace, way) for way in WAYS}
    with (screenshots / "gestures.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["way", "keys", "clicks", "travel"])
        writer.writerows([name, *map(round, way.values())] for name, way in gestures.items())
    cost = {way: counted["keys"] + counted["clicks"] for way, counted in gestures.items()}
    assert cost["no keys, Auto-Accept"] < cost["no keys"] < cost["keys"]


def three_objects_of_three_labels(studio: LabellingPage, workplace: Workplace, way: str) -> dict[str, float]:
    config, auto = WAYS[way]
    project = workplace.project(way, config)
    task = project.task()
    studio.auto_accept(auto)
    studio.work_on(project.id, task)
    studio.page.evaluate(COUNT)
    for key, clicks in OBJECTS.items():
        for click in clicks:
            studio.click(click, key=key)
        if not auto:
            studio.accept()
        if config is BRUSH and key != "1":
            studio.relabel(clicks[0], key)
    gestures = studio.page.evaluate("() => window.gestures")
    studio.screenshot(f"three-labels, {way}")
    studio.submit()
    (saved,) = project.annotations(task)
    assert labels_of(saved) == sorted(LABELS.values())
    return gestures


def labels_of(items: list[dict[str, Any]]) -> list[str]:
    return sorted(item["value"]["brushlabels"][0] for item in items if item["type"] == "brushlabels")

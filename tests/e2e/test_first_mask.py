"""The whole way, with nothing replaced: the demo, Label Studio, Chromium, the shipped network.

What a newcomer does; test_stop.py ends a demo and starts it again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from click99.segmentation.robot import robot_click
from tests.e2e.browser import new_page
from tests.e2e.cup import HEIGHT, WIDTH, iou, seen_change, truth
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import RunningDemo
from tests.e2e.workplace import COFFEE, SPOON, alpha_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PICTURE = "coffee.png"
CLICKS = [COFFEE, SPOON]  # the spoon is background


def click_three_times(studio: LabellingPage) -> tuple[np.ndarray, set[str]]:
    """The last mask that click99 sent, uint8 [H, W], and the names of all regions that came."""
    bare, mask = studio.picture(), np.zeros((HEIGHT, WIDTH), np.uint8)
    names, clicks = set(), []
    for number in (1, 2, 3):
        # The third click goes where a person would click: into the middle of what is still wrong.
        click = CLICKS[number - 1] if number < 3 else robot_click(truth(), mask > 127)
        assert click
        clicks.append(click)
        answer = studio.click(click)
        studio.screenshot(f"{number}-{'' if click.positive else 'alt-'}click")
        assert [sent.get("is_positive", True) for sent in answer.clicks] == [c.positive for c in clicks]
        (region,) = answer.regions
        names.add(region["id"])
        before, mask = mask, alpha_of(region)
        assert not np.array_equal(mask, before)
        studio.wait_to_see(lambda seen: iou(seen_change(bare, seen), mask > 127) > 0.95)  # noqa: B023
        print(f"{click}: IoU with the truth {iou(mask > 127, truth()):.3f}")
    return mask, names


def test_three_clicks_make_the_mask_that_is_saved(
    demo: RunningDemo, browser: Browser, screenshots: Path
) -> None:
    with new_page(browser) as page:
        studio = LabellingPage(page, demo.address, screenshots)
        studio.log_in(demo.email, demo.password)
        task = studio.open(demo.project, PICTURE)
        studio.screenshot("0-opened")
        assert studio.prediction_tabs() == 0
        assert studio.api(f"/api/predictions?task={task}") == []
        studio.switch_on_clicking()
        mask, names = click_three_times(studio)
        studio.accept()
        studio.screenshot("4-accepted")
        studio.submit()
        studio.screenshot("5-submitted")
        (annotation,) = studio.api(f"/api/tasks/{task}/annotations/")
        assert studio.errors == []
    (saved,) = annotation["result"]
    assert (saved["type"], saved["value"]["brushlabels"]) == ("brushlabels", ["Object"])
    assert names == {saved["id"]}, "one object, one region"
    assert np.array_equal(alpha_of(saved), mask)
    assert iou(mask > 127, truth()) > 0.8

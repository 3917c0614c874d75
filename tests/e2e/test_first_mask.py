"""The whole way, with nothing replaced: the demo, Label Studio, Chromium, the shipped network.

What a newcomer does; test_stop.py then ends the demo and starts it again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_studio_sdk.converter.brush import decode_rle
from PIL import Image, ImageDraw
from playwright.sync_api import Browser

from click99.segmentation.clicks import Click
from click99.segmentation.robot import robot_click
from tests.e2e.browser import new_page
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import RunningDemo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PICTURE = "coffee.png"
WIDTH, HEIGHT = 600, 400
# The cup without saucer and spoon, drawn by hand for this test; corners in pixels.
CUP = """
287,18 330,23 362,38 385,60 399,82 407,112 406,135 402,160 394,190 382,215 372,235 352,246 335,258 327,270
312,280 285,284 262,282 259,262 250,280 233,302 222,308 208,305 197,292 198,278 205,257 218,237 205,228
190,205 178,170 173,130 173,105 180,80 196,54 215,38 245,24
"""
CLICKS = [Click(290, 150, True), Click(365, 290, False)]  # the coffee; the spoon is background


def truth() -> np.ndarray:
    """The cup's mask, bool [H, W]."""
    corners = [tuple(map(int, corner.split(","))) for corner in CUP.split()]
    image = Image.new("1", (WIDTH, HEIGHT))
    ImageDraw.Draw(image).polygon(corners, fill=1)
    return np.asarray(image)


def mask_of(region: dict[str, Any]) -> np.ndarray:
    """A brush region's mask as Label Studio's own SDK reads it, uint8 [H, W]."""
    height, width = region["original_height"], region["original_width"]
    return decode_rle(region["value"]["rle"]).reshape(height, width, 4)[..., 3]


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.logical_and(one, other).sum() / np.logical_or(one, other).sum())


def seen_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where the picture on screen changed, bool [H, W]: the mask's tint, and the dots of the clicks."""
    return np.abs(after - before).sum(axis=2) > 40


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
        before, mask = mask, mask_of(region)
        assert not np.array_equal(mask, before)
        assert iou(seen_change(bare, studio.picture()), mask > 127) > 0.95
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
    assert np.array_equal(mask_of(saved), mask)
    assert iou(mask > 127, truth()) > 0.8

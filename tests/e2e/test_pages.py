"""A task of several pages in a Repeater: controls for each, as the editor makes them."""

from __future__ import annotations

import pytest

from tests.e2e.labelling_page import LabellingPage
from tests.e2e.workplace import COFFEE, Workplace, mask_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CONFIG = """<View><Repeater on="$pages" indexFlag="{{idx}}">
  <Image name="page_{{idx}}" value="$pages[{{idx}}].url"/>
  <KeyPoint name="kp_{{idx}}" toName="page_{{idx}}" smart="true" smartOnly="true"/>
  <BrushLabels name="brush_{{idx}}" toName="page_{{idx}}"><Label value="Cup"/></BrushLabels>
</Repeater></View>"""


def test_a_click_on_a_page(studio: LabellingPage, workplace: Workplace) -> None:
    project = workplace.project("pages", CONFIG)
    task = project.task(pages=[{"url": project.image}, {"url": workplace.picture("chelsea.png")}])
    studio.work_on(project.id, task)
    answer = studio.click(COFFEE)
    assert answer.clicks[0]["from_name"] == "kp_0"
    assert answer.regions[0]["from_name"] == "brush_0"
    studio.accept()
    studio.submit()
    (saved,) = project.annotations(task)
    (mask,) = [item for item in saved if item["type"] == "brushlabels"]
    assert (mask["from_name"], mask["to_name"]) == ("brush_0", "page_0")
    assert mask_of(mask)[COFFEE.y, COFFEE.x]

"""A task of several pages, each with controls of its own."""

from __future__ import annotations

import pytest

from tests.server.requests import IMAGE, Start, data_uri, dot, encoded

CONFIG = """<View><Repeater on="$pages" indexFlag="{{idx}}">
  <Image name="page_{{idx}}" value="$pages[{{idx}}].url"/>
  <KeyPoint name="kp_{{idx}}" toName="page_{{idx}}" smart="true" smartOnly="true"/>
  <BrushLabels name="brush_{{idx}}" toName="page_{{idx}}"><Label value="cell"/></BrushLabels>
</Repeater></View>"""
SIZES = [(64, 48), (80, 40)]
PAGES = [{"url": IMAGE}, {"url": data_uri(encoded(*SIZES[1]))}]


@pytest.mark.parametrize("page", [0, 1])
def test_a_click_on_each_page(start: Start, page: int):
    click = dot("a", 20, 20, size=SIZES[page], from_name=f"kp_{page}", to_name=f"page_{page}")
    request = {
        "tasks": [{"id": 3, "data": {"pages": PAGES}}],
        "label_config": CONFIG,
        "params": {"context": {"result": [click]}},
    }
    (region,) = start().post("/predict", json=request).json()["results"][0]["result"]
    assert (region["from_name"], region["to_name"]) == (f"brush_{page}", f"page_{page}")
    assert (region["original_width"], region["original_height"]) == SIZES[page]
    assert region["value"]["brushlabels"] == ["cell"]

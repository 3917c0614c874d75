"""Boxes from Label Studio's percents, corner and rotation to pixels."""

from __future__ import annotations

from typing import Any

import pytest

from click99.labelstudio.boxes import box_drawn
from click99.labelstudio.errors import PayloadError
from click99.labelstudio.payloads import ContextItem

HEIGHT, WIDTH = 100, 200


def box(x: float, y: float, width: float, height: float, **changes: Any) -> ContextItem:
    labels = changes.pop("labels", ["cell"])
    value = {"x": x, "y": y, "width": width, "height": height, "rectanglelabels": labels} | changes
    usual = {"id": "box", "type": "rectanglelabels", "from_name": "box", "to_name": "image", "value": value}
    return ContextItem.model_validate(usual)


CLICK = ContextItem.model_validate(
    {"id": "a", "type": "keypointlabels", "from_name": "kp", "to_name": "image", "value": {"x": 1, "y": 1}}
)


@pytest.mark.parametrize(
    ("item", "pixels"),
    [
        (box(10, 20, 30, 40), (20, 20, 80, 60)),
        (box(0, 0, 100, 100), (0, 0, 200, 100)),
        (box(-5, -5, 20, 20), (0, 0, 30, 15)),
        (box(90, 90, 30, 30), (180, 90, 200, 100)),
        (box(10.1, 20.1, 0.1, 0.1), (20, 20, 21, 21)),
        (box(50, 20, 20, 20, rotation=90), (80, 20, 100, 60)),
        (box(50, 50, 10, 20, rotation=180), (80, 30, 100, 50)),
    ],
)
def test_it_is_the_upright_box_inside_the_image(item: ContextItem, pixels: tuple[int, int, int, int]):
    drawn = box_drawn([item])
    assert drawn
    assert (drawn.control, drawn.label) == ("box", "cell")
    assert drawn.pixels(HEIGHT, WIDTH) == ("box", *pixels)


def test_the_last_of_several_counts_and_clicks_are_none():
    last = box_drawn([CLICK, box(1, 1, 1, 1), box(10, 20, 30, 40)])
    assert last
    assert last.pixels(HEIGHT, WIDTH).left == 20
    assert box_drawn([box(1, 1, 1, 1), CLICK]) is None
    assert box_drawn([]) is None


@pytest.mark.parametrize("outside", [box(101, 10, 5, 5), box(10, -20, 5, 10), box(10, 10, 0, 0)])
def test_a_box_of_no_pixels_is_refused(outside: ContextItem):
    drawn = box_drawn([CLICK, outside])
    assert drawn
    with pytest.raises(PayloadError, match=r"result\[1\]\.value: a box of no pixels of the image\. Draw it"):
        drawn.pixels(HEIGHT, WIDTH)


def test_a_box_without_a_label_is_refused():
    with pytest.raises(PayloadError, match="a box without a label"):
        box_drawn([box(10, 20, 30, 40, labels=[])])

"""Clicks and boxes from Label Studio's percents, corner and rotation to pixels."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from click99.labelstudio.errors import PayloadError
from click99.labelstudio.payloads import ContextItem
from click99.labelstudio.prompts import Box, read_prompt
from click99.segmentation.clicks import Click

HEIGHT, WIDTH = 100, 200


def box(x: float, y: float, width: float | None, height: float | None, **changes: Any) -> ContextItem:
    labels = changes.pop("labels", ["cell"])
    value = {"x": x, "y": y, "width": width, "height": height, "rectanglelabels": labels} | changes
    usual = {"id": "box", "type": "rectanglelabels", "from_name": "box", "to_name": "image", "value": value}
    return ContextItem.model_validate(usual)


def click(**changes: Any) -> ContextItem:
    value = {"x": 50, "y": 50, "keypointlabels": ["leaf"]} | changes.pop("value", {})
    usual = {"id": "a", "type": "keypointlabels", "from_name": "kp", "to_name": "image", "value": value}
    return ContextItem.model_validate(usual | changes)


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
    prompt = read_prompt([item])
    assert prompt.is_box
    assert prompt.items[0].object == ("box", "cell", None)
    assert prompt.box(HEIGHT, WIDTH) == Box(*pixels, "box")


def test_the_last_of_several_counts_and_clicks_are_none():
    assert read_prompt([click(), box(1, 1, 1, 1), box(10, 20, 30, 40)]).box(HEIGHT, WIDTH).left == 20
    assert not read_prompt([box(1, 1, 1, 1), click()]).is_box


def test_the_click_in_its_middle_has_its_name():
    assert Box(10, 8, 31, 28, "b").centre == Click(20, 17, True, "b")


@pytest.mark.parametrize(
    "extent", [(0.2, None), (0.2, 0), (0, 0), (None, None), (0.2, 1e-9), (-9, 0.001), (1e-9, 50)]
)
def test_a_rectangle_without_extent_is_the_click_in_its_corner(extent: tuple[float | None, float | None]):
    prompt = read_prompt([box(10, 20, 30, 40), box(50, 50, *extent)])
    assert not prompt.is_box
    assert prompt.clicks(HEIGHT, WIDTH) == [Click(100, 50, True, "box")]


def test_a_rectangle_at_a_click_s_place_is_that_click():
    drawn = box(10, 20, 5, 5)
    prompt = read_prompt([click(id="a", value={"x": 10, "y": 20}), drawn])
    assert [each.id for each in prompt.items] == ["a"]
    assert read_prompt([click(id="a", value={"x": 10, "y": 21}), drawn]).is_box


@pytest.mark.parametrize("outside", [box(101, 10, 5, 5), box(10, -20, 5, 10)])
def test_a_box_of_no_pixels_is_refused(outside: ContextItem):
    prompt = read_prompt([click(), outside])
    with pytest.raises(PayloadError, match=r"result\[1\]\.value: a box of no pixels of the image\. Draw it"):
        prompt.box(HEIGHT, WIDTH)


def test_a_box_without_a_label_is_refused():
    with pytest.raises(PayloadError, match="a box without a label"):
        read_prompt([box(10, 20, 30, 40, labels=[])])


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "no clicks. Click"),
        ([click(type="brushlabels")], "only 'brushlabels'"),
        (
            [click(value={"x": None})],
            r"result\[0\]\.value: no x and y",
        ),  # a keypoint item that carries a mask, as Label Studio may send
        (
            [click(), click(value={"keypointlabels": []})],
            r"result\[1\]\.value\.keypointlabels: .*without a label",
        ),
    ],
)
def test_contexts_without_a_click(items: list[ContextItem], message: str):
    with pytest.raises(PayloadError, match=message):
        read_prompt(items)


def test_a_click_sent_twice_counts_once():
    prompt = read_prompt([click(id="a"), click(id="b"), click(id="b"), click(id="b", type="labels")])
    assert [each.id for each in prompt.clicks(10, 10)] == ["a", "b"]


def test_only_the_object_clicked_last():
    other_label = click(id="b", value={"keypointlabels": ["stem"]})
    prompt = read_prompt([click(id="a"), other_label, click(id="c", from_name="kp2"), click(id="d")])
    assert [each.id for each in prompt.items] == ["a", "d"]


def test_a_click_without_a_sign_is_positive():
    signs = [click(id="a"), click(id="b", is_positive=False), click(id="c", is_positive=True)]
    assert [each.positive for each in read_prompt(signs).clicks(10, 10)] == [True, False, True]


@given(st.floats(0, 100), st.integers(1, 5000))
def test_pixels_are_inside_the_image(percent: float, size: int):
    placed = read_prompt([click(value={"x": percent, "y": percent})]).clicks(size, size)[0]
    assert placed.x == placed.y == min(int(percent * size / 100), size - 1)


@pytest.mark.parametrize(("percent", "pixel"), [(-0.4, 0), (0, 0), (99.999, 639), (100, 639), (100.9, 639)])
def test_clicks_on_the_border(percent: float, pixel: int):
    assert read_prompt([click(value={"x": percent})]).clicks(480, 640)[0].x == pixel


@pytest.mark.parametrize(("axis", "percent"), [("x", -1.5), ("x", 130), ("y", 1e5)])
def test_clicks_outside_the_image(axis: str, percent: float):
    prompt = read_prompt([click(value={axis: percent})])
    with pytest.raises(PayloadError, match=rf"^params\.context\.result\[0\]\.value\.{axis}: .*outside"):
        prompt.clicks(480, 640)


@pytest.mark.parametrize("name", ["original_width", "original_height"])
def test_clicks_made_on_another_size(name: str):
    prompt = read_prompt([click(original_width=640, original_height=480), click(id="b", **{name: 99})])
    with pytest.raises(PayloadError, match=rf"^params\.context\.result\[1\]\.{name}: 99, but .*640 × 480"):
        prompt.clicks(480, 640)


@given(st.integers(1, 9000).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
@example((7, 97))
def test_a_percentage_of_whole_pixels_is_them_again(place: tuple[int, int]):
    pixel, size = place
    prompt = read_prompt([click(value={"x": 100 * pixel / size, "y": pixel / size * 100})])
    assert prompt.clicks(size, size) == [Click(pixel, pixel, True, "a")]

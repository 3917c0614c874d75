"""Refine or new: the rule of docs/explanation/state.md, at its edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from click99.labelstudio.regions import Region
from click99.segmentation.clicks import Click
from click99.sessions.refine_or_new import beside, identify, meant

NEAR = 5.0
SHAPE = (60, 80)


def box(name: str, left: int, top: int, width: int, height: int, clicks: Sequence[Click] = ()) -> Region:
    return Region(name, top, left, np.ones((height, width), bool), clicks=tuple(clicks))


LEFT, RIGHT = box("left", 10, 10, 20, 20), box("right", 30, 10, 20, 20)  # they touch at column 30
OUTER, INNER = box("outer", 5, 5, 50, 50), box("inner", 20, 20, 10, 10)


def plus(x: int, y: int, name: str = "") -> Click:
    return Click(x, y, True, name)


def minus(x: int, y: int, name: str = "") -> Click:
    return Click(x, y, False, name)


@pytest.mark.parametrize(
    ("click", "regions", "expected"),
    [
        (plus(15, 15), [LEFT], "left"),
        (plus(34, 15), [LEFT], "left"),  # 5 pixels from column 29
        (plus(35, 15), [LEFT], None),
        (plus(32, 32), [LEFT], "left"),  # aslant: √18
        (plus(34, 34), [LEFT], None),  # √50
        (minus(15, 15), [LEFT], "left"),
        (minus(79, 59), [LEFT], "left"),
        (plus(29, 15), [LEFT, RIGHT], "left"),
        (plus(30, 15), [LEFT, RIGHT], "right"),
        (plus(29, 31), [LEFT, RIGHT], "left"),
        (plus(30, 31), [LEFT, RIGHT], "right"),
        (minus(60, 15), [LEFT, RIGHT], "right"),
        (plus(25, 25), [OUTER, INNER], "inner"),
        (plus(25, 25), [INNER, OUTER], "inner"),
        (minus(25, 25), [INNER, OUTER], "inner"),
        (plus(31, 25), [OUTER, INNER], "outer"),  # beside the inner, but in the outer
        (minus(31, 25), [OUTER, INNER], "outer"),
        (plus(15, 15), [LEFT, box("again", 10, 10, 20, 20)], "again"),
        (plus(15, 15), [], None),
        (minus(15, 15), [], None),
        (minus(15, 15), [box("empty", 0, 0, 0, 0)], None),
        (minus(15, 15), [box("empty", 0, 0, 0, 0), RIGHT], "right"),
    ],
)
def test_the_region_that_a_first_click_means(click: Click, regions: list[Region], expected: str | None):
    found = meant(click, regions, NEAR)
    assert (found and found.id) == expected


def test_a_hole_belongs_to_nobody_but_is_near():
    ring = np.ones((20, 20), bool)
    ring[5:15, 5:15] = False
    found = meant(plus(20, 20), [Region("ring", 10, 10, ring)], NEAR)
    assert found
    assert found.id == "ring"


coordinates = st.tuples(st.integers(0, 79), st.integers(0, 59))


@given(coordinates, st.booleans(), st.floats(0, 100), st.floats(0, 100))
def test_a_larger_distance_never_makes_a_new_object_of_a_refined_one(
    place: tuple[int, int], positive: bool, one: float, other: float
):
    click, (less, more) = Click(*place, positive), sorted((one, other))
    found = meant(click, [LEFT, RIGHT, INNER], less)
    if found:
        assert meant(click, [LEFT, RIGHT, INNER], more) is found


@given(coordinates, st.permutations([LEFT, RIGHT, INNER, OUTER]))
def test_the_order_of_regions_decides_between_equals_only(place: tuple[int, int], regions: list[Region]):
    holding = [region for region in regions if region.holds(plus(*place))]
    if holding:
        assert meant(plus(*place), regions, NEAR) is min(holding, key=lambda region: region.pixels.size)


def test_a_new_object_starts_from_nothing_with_all_its_clicks():
    clicks = [plus(70, 50, "a"), minus(15, 15, "b")]
    found = identify(clicks, [LEFT], "new", NEAR, SHAPE)
    assert (found.id, found.start, found.clicks) == ("new", None, clicks)


def test_refining_starts_from_the_region_as_it_is():
    clicks = [plus(15, 15, "a"), plus(70, 50, "b")]
    found = identify(clicks, [LEFT], "new", NEAR, SHAPE)
    assert found.start
    expected = np.zeros(SHAPE, bool)
    expected[10:30, 10:30] = True
    assert found.id == "left"
    assert np.array_equal(found.start.mask, expected)
    assert found.clicks == clicks


def test_clicks_that_the_region_was_made_from_do_not_count_again():
    clicks = [plus(15, 15, "a"), minus(12, 12, "b")]
    region = box("left", 10, 10, 20, 20, clicks[:1])
    assert identify(clicks, [region], "new", NEAR, SHAPE).clicks == clicks[1:]


def test_the_last_click_always_counts():
    clicks = [plus(15, 15, "a"), minus(12, 12, "b")]
    region = box("left", 10, 10, 20, 20, clicks)
    assert identify(clicks, [region], "new", NEAR, SHAPE).clicks == clicks[1:]


def test_clicks_find_the_region_that_they_made_wherever_they_are():
    clicks = [plus(15, 15, "a"), plus(62, 45, "b")]
    own = box("own", 60, 40, 10, 10, clicks[:1])
    found = identify(clicks, [LEFT, own], "new", NEAR, SHAPE)
    assert (found.id, found.clicks) == ("own", clicks[1:])


def test_a_click_that_was_moved_since_counts_in_its_new_place():
    moved = [plus(34, 15, "a"), plus(20, 20, "b")]
    region = box("left", 10, 10, 20, 20, [plus(15, 15, "a"), moved[1]])
    found = identify(moved, [region], "new", NEAR, SHAPE)
    assert (found.id, found.clicks) == ("left", moved[:1])


def mask(left: int, top: int, width: int, height: int) -> np.ndarray:
    return box("", left, top, width, height).on_image(*SHAPE)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (mask(32, 12, 6, 6), None),  # two pixels off: another object
        (mask(30, 12, 6, 6), "left"),  # touches
        (mask(20, 12, 20, 6), "left"),
        (mask(0, 0, 0, 0), None),
    ],
)
def test_a_click_beside_a_region_is_about_it_if_its_own_mask_meets_it(own: np.ndarray, expected: str | None):
    found = meant(plus(33, 15), [LEFT], NEAR, lambda: own)
    assert (found and found.id) == expected
    assert identify([plus(33, 15)], [LEFT], "new", NEAR, SHAPE, lambda: own).id == (expected or "new")


@pytest.mark.parametrize("click", [plus(15, 15), minus(33, 15), plus(60, 50)])
def test_its_own_mask_is_asked_for_only_where_it_decides(click: Click):
    def own() -> np.ndarray:
        raise AssertionError("nobody needs it")

    assert meant(click, [LEFT], NEAR, own) == meant(click, [LEFT], NEAR)


def cut(regions: list[Region], *clicks: Click) -> np.ndarray:
    """What is left of a mask of everything in 40 × 40 pixels."""
    return beside(np.ones((40, 40), bool), clicks, regions)


def test_a_new_object_does_not_cover_what_is_kept():
    left = cut([box("a", 5, 5, 10, 10), box("b", 30, 30, 10, 10)], plus(2, 2), minus(8, 8))
    assert not left[5:15, 5:15].any()
    assert not left[30:, 30:].any()
    assert left.sum() == 1600 - 200


def test_without_a_click_on_it_what_lies_on_a_region_stays_whole():
    """A cup on a saucer, and a wheel on a car."""
    assert cut([box("cup", 15, 15, 10, 10)]).sum() == 1600 - 100
    wheel = np.zeros((40, 40), bool)
    wheel[18:24, 18:24] = True
    assert beside(wheel, [], [box("car", 0, 0, 23, 40)]).sum() == 36


def test_it_covers_what_its_click_lies_in():
    assert cut([box("a", 5, 5, 10, 10)], plus(8, 8)).all()

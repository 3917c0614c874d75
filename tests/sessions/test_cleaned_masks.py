"""Masks without crumbs are states like others: found, undone and replayed to the bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from click99.labelstudio.prompts import Box
from click99.segmentation.clicks import Click
from click99.sessions import MemoryStore, Sessions
from click99.sessions.corrections import Start
from tests.crumb_painter import HOLE, ISLAND, CrumbPainter

IMAGE = np.zeros((48, 64, 3), np.uint8)
CLICKS = [Click(30, 20, True, "a"), Click(40, 24, True, "b")]


def make(smallest: float = 0.05, store: MemoryStore | None = None) -> tuple[Sessions, CrumbPainter]:
    painter = CrumbPainter()
    return Sessions(painter, store or MemoryStore(1 << 20, 60), smallest=smallest), painter


def test_crumbs_are_not_answered_and_the_next_click_does_not_see_them():
    sessions, painter = make()
    mask = sessions.mask("image", IMAGE, CLICKS).foreground
    assert not mask[ISLAND].any()
    assert mask[HOLE].all()
    assert painter.saw == [0.0, 0.0]


def test_without_the_setting_masks_are_as_the_network_made_them():
    sessions, painter = make(0.0)
    mask = sessions.mask("image", IMAGE, CLICKS).foreground
    assert mask[ISLAND].all()
    assert not mask[HOLE].any()
    assert painter.saw == [0.0, 1.0]


def test_what_clicks_ask_for_stays():
    asked = [*CLICKS, Click(3, 3, True, "c"), Click(29, 19, False, "d")]
    mask = make()[0].mask("image", IMAGE, asked).foreground
    assert mask[ISLAND].all()
    assert not mask[HOLE].any()


def test_what_a_person_drew_stays():
    drawn = np.zeros(IMAGE.shape[:2], bool)
    drawn[10:30, 20:50] = True
    drawn[ISLAND], drawn[HOLE] = True, False
    mask = make()[0].mask("image", IMAGE, CLICKS, Start(drawn)).foreground
    assert mask[ISLAND].all()
    assert not mask[HOLE].any()


def test_a_boxs_mask_is_cleaned_too():
    box = Box(0, 0, 60, 44, "a box")
    whole, cleaned = (make(smallest)[0].mask("image", IMAGE, [], box) for smallest in (0.0, 0.05))
    assert whole.foreground[ISLAND].any()
    assert not cleaned.foreground[ISLAND].any()
    assert cleaned.quality == whole.quality


def test_another_size_knows_no_old_state():
    store = MemoryStore(1 << 20, 60)
    for smallest in (0.0, 0.05, 0.06):
        sessions, painter = make(smallest, store)
        sessions.mask("image", IMAGE, CLICKS)
        sessions.mask("image", IMAGE, [], Box(0, 0, 60, 44, "a box"))
        assert len(painter.steps) == 4, "two clicks and a box's two steps"


@given(
    st.lists(st.builds(Click, st.integers(0, 63), st.integers(0, 47), st.booleans()), min_size=1, max_size=5),
    st.data(),
)
@settings(max_examples=30, deadline=None)
def test_any_history_ends_in_the_mask_of_a_fresh_server(clicks: list[Click], data: st.DataObject):
    named = [replace(click, id=f"click {k}") for k, click in enumerate(clicks)]
    sessions, _ = make(store=MemoryStore(data.draw(st.sampled_from([1, 10_000, 1 << 20])), 60))
    for _ in range(3):
        if chosen := [click for click in named if data.draw(st.booleans())]:
            sessions.mask("image", IMAGE, chosen)
    fresh = make()[0].mask("image", IMAGE, named)
    assert np.array_equal(sessions.mask("image", IMAGE, named).alpha, fresh.alpha)

"""What is saved against drawing by hand, and what that rests on."""

from __future__ import annotations

import pytest

from click99.dashboard.hours import BY_HAND, FEWEST, hours
from tests.dashboard.examples import cost


def test_without_times_it_is_coco_s_against_the_clicks():
    found = hours([cost(seconds=9.0, annotation=str(k)) for k in range(36)])
    assert (found.by_hand, found.by_clicks, found.drawn, found.clicked) == (BY_HAND, 9.0, 0, 0)
    assert found.saved == pytest.approx(36 * 70 / 3600)
    assert found.of_ten_seconds == pytest.approx(0.1)


def test_the_record_s_own_times_win_once_there_are_enough():
    drawn = [cost(clicks=0, lead_time=60.0, annotation=f"drawn {k}") for k in range(FEWEST)]
    clicked = [cost(lead_time=20.0, annotation=f"clicked {k // 2}") for k in range(2 * FEWEST)]
    found = hours(drawn + clicked)
    assert (found.by_hand, found.by_clicks) == (60.0, 10.0), "two masks share an annotation's time"
    assert (found.masks, found.drawn, found.clicked) == (10, FEWEST, FEWEST)
    assert hours(drawn[1:] + clicked).by_hand == BY_HAND


def test_what_is_both_drawn_and_clicked_tells_nothing():
    mixed = [cost(clicks=k % 2, lead_time=60.0, annotation=f"{k // 2}") for k in range(4 * FEWEST)]
    found = hours(mixed)
    assert (found.drawn, found.clicked) == (0, 0)


def test_clicks_that_take_longer_save_less_than_nothing():
    assert hours([cost(seconds=100.0)]).saved < 0

"""What a person accepted or drew stays, but where a later click asks for a change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from click99.segmentation.clicks import Click
from click99.segmentation.robot import depth
from click99.sessions.corrections import Start, kept_corrections

NEAR = 3.0


def mask(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """bool [60, 80] with boxes of (left, top, right, bottom)."""
    drawn = np.zeros((60, 80), bool)
    for left, top, right, bottom in boxes:
        drawn[top:bottom, left:right] = True
    return drawn


def answer(pixels: np.ndarray) -> np.ndarray:
    return np.where(pixels, 230, 12).astype(np.uint8)


def kept(start: Start, network: np.ndarray, *clicks: Click) -> np.ndarray:
    return kept_corrections(start, answer(network), clicks, NEAR) > 127


def test_the_part_that_is_clicked_comes_another_does_not():
    start = Start(mask((10, 10, 30, 30)))
    both = mask((10, 10, 50, 30), (60, 40, 75, 55))
    assert np.array_equal(kept(start, both, Click(40, 20, True)), mask((10, 10, 50, 30)))
    assert np.array_equal(kept(start, both, Click(40, 20, True), Click(65, 45, True)), both)


def test_a_part_goes_only_where_it_is_clicked():
    start = Start(mask((10, 10, 30, 30), (50, 10, 70, 30)))
    assert np.array_equal(kept(start, mask(), Click(60, 20, False)), mask((10, 10, 30, 30)))


@pytest.mark.parametrize("positive", [True, False])
def test_a_click_changes_to_its_own_sign_only(positive: bool):
    """Whatever hangs together with what it asks for."""
    start = Start(mask((10, 10, 40, 40)))
    network = mask((10, 10, 25, 40), (40, 10, 60, 40), (25, 10, 40, 20))  # adds, and takes away beside it
    after = kept(start, network, Click(45, 25, True) if positive else Click(32, 32, False))
    more, less = mask((10, 10, 60, 40)), mask((10, 10, 25, 40), (25, 10, 40, 20))
    assert (after & ~more).sum() == (less & ~after).sum() == 0
    assert after[15, 50] == positive
    assert after[35, 35] == positive
    both = kept(start, network, Click(45, 25, True), Click(32, 32, False))
    assert np.array_equal(both, network)


def test_the_outline_elsewhere_stays_although_it_hangs_together_with_the_change():
    start = Start(mask((10, 10, 50, 40)))
    network = mask((9, 9, 51, 41), (51, 20, 65, 30))  # one pixel wider all around, and a new part
    after = kept(start, network, Click(58, 25, True))
    assert after[25, 58]
    assert not after[9, 10:40].any()
    assert not after[40, 10:40].any()


def test_a_thin_part_comes_and_goes_whole():
    body, cable = mask((10, 10, 30, 40)), mask((30, 20, 78, 22))
    assert np.array_equal(kept(Start(body), body | cable, Click(60, 20, True)), body | cable)
    assert np.array_equal(kept(Start(body | cable), body, Click(60, 20, False)), body)


def test_the_start_has_hard_edges_and_the_answer_keeps_its_own():
    start = Start(mask((10, 10, 30, 30)))
    after = kept_corrections(start, answer(mask((10, 10, 50, 30))), [Click(40, 20, True)], NEAR)
    assert (after[20, 40], after[20, 20], after[50, 70]) == (230, 255, 0)


def test_what_was_erased_stays_erased_though_the_change_runs_into_it():
    erased = mask((20, 10, 25, 30))
    start = Start(mask((10, 10, 30, 30)) & ~erased, erased)
    network = mask((10, 10, 50, 30))
    after = kept(start, network, Click(40, 20, True))
    assert after[20, 40]
    assert not after[erased].any()


def test_a_click_on_what_was_erased_takes_all_of_that_stroke_back():
    strokes = mask((20, 10, 25, 30)), mask((10, 26, 18, 29))
    by_hand = strokes[0] | strokes[1]
    start = Start(mask((10, 10, 30, 30)) & ~by_hand, by_hand)
    after = kept(start, mask((10, 10, 30, 30)), Click(22, 12, True))
    assert after[strokes[0]].all()
    assert not after[strokes[1]].any()


def test_what_was_painted_stays_until_a_click_says_no():
    painted = mask((30, 10, 50, 14))
    start = Start(mask((10, 10, 30, 30)) | painted, painted)
    network = mask((10, 10, 24, 30))
    assert kept(start, network, Click(27, 25, False))[painted].all()
    assert not kept(start, network, Click(45, 12, False))[painted].any()


def test_starts_differ_by_their_strokes_too():
    by_hand = mask((1, 1, 5, 5))
    keys = {Start(mask((1, 1, 5, 5)), hand).key for hand in (None, by_hand, mask())} | {Start(mask()).key}
    assert len(keys) == 4


boxes = st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(41, 80), st.integers(31, 60))
clicks = st.lists(
    st.builds(Click, st.integers(0, 79), st.integers(0, 59), st.booleans()), min_size=1, max_size=4
)


@given(boxes, st.lists(boxes, max_size=3), st.lists(boxes, max_size=2), clicks)
def test_nothing_changes_that_the_network_did_not_change_or_that_strokes_hold(
    begun: tuple[int, int, int, int],
    network: list[tuple[int, int, int, int]],
    strokes: list[tuple[int, int, int, int]],
    given_clicks: list[Click],
):
    start = Start(mask(begun), mask(*strokes))
    after = kept(start, mask(*network), *given_clicks)
    changed = after != start.mask
    assert not (changed & (mask(*network) == start.mask)).any()
    agreeing = [click for click in given_clicks if click.positive == start.mask[click.y, click.x]]
    if len(agreeing) == len(given_clicks):
        assert not (changed & mask(*strokes)).any()


def test_a_mask_s_own_click_is_where_it_is_deepest_away_from_negative_ones():
    start = Start(mask((10, 10, 31, 31)))
    assert start.own_click([]) == [Click(20, 20, True)]
    assert start.own_click([Click(0, 0, False), Click(20, 20, True)]) == [Click(20, 20, True)]
    (beside,) = start.own_click([Click(20, 20, False)])
    assert np.hypot(beside.x - 20, beside.y - 20) > 5
    assert start.mask[beside.y, beside.x]


def test_a_mask_of_nothing_or_of_negative_clicks_alone_has_none():
    assert Start(mask()).own_click([]) == []
    assert Start(mask((10, 10, 11, 11))).own_click([Click(10, 10, False)]) == []


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        ((3000, 4000), np.s_[500:2501, 1000:3001]),
        ((8, 4000), np.s_[1:8, :]),
        ((3000, 4000), np.s_[7:8, 9:10]),
        ((3000, 4000), np.s_[1:2, :]),
        ((3000, 4000), np.s_[::2, ::1999]),
    ],
    ids=["half of a picture", "a strip", "a pixel", "a line", "dots"],
)
def test_of_large_and_of_thin_masks_it_is_as_good_as_deepest(
    shape: tuple[int, int], part: tuple[slice, slice]
):
    large = np.zeros(shape, bool)
    large[part] = True
    (own,) = Start(large).own_click([])
    inside = depth(large)
    assert inside[own.y, own.x] >= max(1, inside.max() - 4)

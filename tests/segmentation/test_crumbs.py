"""What is too small to be meant goes; what a person asked for never does. Parts are scipy's here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from click99.segmentation.clicks import Click
from click99.segmentation.crumbs import without_crumbs

HEIGHT, WIDTH = 12, 16
masks = st.binary(min_size=HEIGHT * WIDTH // 8, max_size=HEIGHT * WIDTH // 8).map(
    lambda bits: np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(HEIGHT, WIDTH) > 0
)
clicks = st.lists(
    st.builds(Click, st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.booleans()), max_size=4
)


def parts(region: np.ndarray) -> list[np.ndarray]:
    labels, count = ndimage.label(region, np.ones((3, 3)))  # pyright: ignore[reportGeneralTypeIssues]
    return [labels == k for k in range(1, count + 1)]


def asked(part: np.ndarray, clicks: list[Click], sign: bool) -> bool:
    return any(part[click.y, click.x] for click in clicks if click.positive == sign)


@given(masks, clicks, st.sampled_from([0.02, 0.1, 0.5]), st.none() | masks)
@settings(max_examples=200, deadline=None)
def test_islands_go_that_are_small_and_that_nobody_asked_for(
    mask: np.ndarray, clicks: list[Click], smallest: float, start: np.ndarray | None
):
    cleaned = without_crumbs(mask * np.uint8(200), clicks, smallest, start)
    for island in parts(mask):
        stays = island.sum() >= smallest * mask.sum() or asked(island, clicks, True)
        stays |= start is not None and bool((island & start).any())
        assert (cleaned[island] == 200).all() == stays, "it is as it was, or it is not"


@given(masks, clicks, st.sampled_from([0.02, 0.1, 0.5]), st.none() | masks)
@settings(max_examples=200, deadline=None)
def test_no_hole_is_filled_that_somebody_asked_for_or_that_is_open(
    mask: np.ndarray, clicks: list[Click], smallest: float, start: np.ndarray | None
):
    cleaned = without_crumbs(mask * np.uint8(200), clicks, smallest, start)
    filled = ~mask & (cleaned == 255)
    for hole in parts(filled):
        assert hole.sum() < smallest * mask.sum()
        assert not asked(hole, clicks, False)
        assert start is None or start[hole].all()
        assert not np.r_[hole[0], hole[-1], hole[:, 0], hole[:, -1]].any(), "the picture's side is open"


@pytest.mark.parametrize(("smallest", "filled"), [(0.01, False), (0.03, True)])
def test_a_small_hole_is_filled(smallest: float, filled: bool):
    alpha = np.zeros((40, 40), np.uint8)
    alpha[10:30, 10:30] = 200
    alpha[15:18, 15:18] = 90
    assert (without_crumbs(alpha, [], smallest)[15:18, 15:18] == 255).all() == filled
    assert (without_crumbs(alpha, [Click(16, 16, False)], smallest) == alpha).all()
    assert (without_crumbs(alpha, [Click(12, 12, False)], smallest)[16, 16] == 255) == filled


def test_a_gap_at_the_side_of_what_a_mask_spans_is_no_hole():
    alpha = np.full((40, 40), 200, np.uint8)
    alpha[0:2, 20] = alpha[38:, 3] = 0
    assert (without_crumbs(alpha, [], 0.5) == alpha).all()


def test_of_an_empty_mask_nothing_is_left():
    assert not without_crumbs(np.zeros((5, 5), np.uint8), [Click(1, 1, False)], 0.5).any()

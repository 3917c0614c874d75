"""The robot of the gate, and the masks that it clicks through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from click99.segmentation.clicks import Click
from click99_training.datasets.sample import Sample
from click99_training.learning.judging import CLICKS, People, by_turns, clicked, first_click
from tests.disc_painter import DiscPainter
from tests.training.samples import disc, scene

SIDE = 40
TRUTH = disc(SIDE, SIDE, 20, 20, 10) > 0
ON_IT, BESIDE = Click(14, 18, True), Click(2, 2, True)


@pytest.fixture
def sample() -> Sample:
    return Sample(
        "a_0",
        scene(TRUTH * np.uint8(255), 0),
        TRUTH,
        np.zeros_like(TRUTH),
        clicks=(ON_IT, Click(30, 30, False)),
    )


def test_the_person_s_click_comes_first(sample: Sample):
    first = People(ON_IT)(TRUTH, np.zeros_like(TRUTH))
    assert first
    assert first.click == ON_IT
    assert np.array_equal(first.region, TRUTH)
    second = People(ON_IT)(TRUTH, np.zeros_like(TRUTH), clicks=[ON_IT])
    assert second
    assert second.click != ON_IT


def test_it_ends_when_the_mask_is_good_but_not_before_the_clicks_that_decide():
    nearly = TRUTH.copy()
    nearly[20, 20] = False
    robot = People(None)
    assert robot(TRUTH, nearly, clicks=[ON_IT] * (CLICKS - 1))
    assert robot(TRUTH, nearly, clicks=[ON_IT] * CLICKS) is None
    assert robot(TRUTH, np.zeros_like(TRUTH), clicks=[ON_IT] * CLICKS)


def test_only_a_click_that_says_what_was_saved_is_replayed(sample: Sample):
    assert first_click(sample) == ON_IT
    for other in (
        replace(sample, clicks=()),
        replace(sample, clicks=(BESIDE,)),
        replace(sample, clicks=(Click(14, 18, False),)),
        replace(sample, start=TRUTH),
    ):
        assert first_click(other) is None


@pytest.mark.parametrize(
    "truth", [np.ones((SIDE, SIDE), bool), np.eye(SIDE, dtype=bool) & (np.arange(SIDE) == 7)]
)
def test_masks_of_everything_and_of_one_pixel_are_judged(sample: Sample, truth: np.ndarray):
    judged = clicked(DiscPainter(), replace(sample, truth=truth, clicks=()), 0)  # pyright: ignore
    assert np.isfinite(judged.ious).all()
    assert ((judged.ious >= 0) & (judged.ious <= 1)).all()


def test_one_mask_of_every_image_before_a_second_of_any():
    assert by_turns([("a", 0), ("a", 1), ("a", 2), ("c", 3), ("b", 4), ("c", 5)]) == [0, 4, 3, 1, 5, 2]

"""The gate's figure, and how often it errs: with differences per image that were measured.

`pytest -s -k errs tests/training/learning/test_gain.py` prints the table of docs/explanation/learning.md.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from click99_training.learning.gain import FEWEST, LEAST, Gain, by_image, gain, t_quantile
from tests.training.learning.measured import AS_GOOD, SAVES

RUNS, IMAGES = 200, (FEWEST, 10, 20, 30, 60)


def share(pool: np.ndarray, images: int, runs: int = RUNS) -> float:
    """How often a candidate that gains what the pool does is promoted, on so many images."""
    drawn = np.random.default_rng(images).choice(pool, (runs, images))
    return float(np.mean([gain(each).convinces for each in drawn]))


def test_the_figure_is_the_mean_of_an_image_s_masks_over_five_clicks():
    ious = np.array([[0.5] * 5 + [1.0] * 5, [0.7] * 10, [0.2] * 10])
    assert by_image(ious, ["b", "b", "a"]) == pytest.approx([0.2, 0.6])


def test_the_bound_is_the_one_sided_t_test_s():
    values = np.random.default_rng(0).normal(0.05, 0.1, 12)
    low = stats.ttest_1samp(values, 0, alternative="greater").confidence_interval(0.95).low
    assert gain(values).sure == pytest.approx(low, abs=1e-4)
    assert [t_quantile(0.95, k) for k in (5, 9, 59)] == pytest.approx(stats.t.ppf(0.95, [5, 9, 59]), abs=1e-3)


@pytest.mark.parametrize(
    ("values", "promises", "convinces"),
    [
        ([0.1, 0.12, 0.09, 0.1, 0.11, 0.1], True, True),
        ([0.1, 0.12, 0.09, 0.1, 0.11], True, False),  # too few images
        ([0.9, 0, 0, 0, 0, 0], True, False),  # one image alone
        ([0.01] * 30, False, False),  # sure, and of no use
        ([-0.1] * 30, False, False),
        ([0.0] * 30, False, False),
        ([0.1], True, False),
    ],
)
def test_what_is_sure(values: list[float], promises: bool, convinces: bool):
    found = gain(np.array(values))
    assert (found.promises, found.convinces) == (promises, convinces)


def test_the_number_of_images_that_would_do_does():
    values = np.array([0.25, -0.15] * 4)
    needed = gain(values).needed
    assert needed
    assert not gain(values).convinces
    assert not gain(np.resize(values, needed // 2)).convinces
    assert gain(np.resize(values, needed + 1)).convinces
    assert gain(-values).needed is None


@pytest.mark.parametrize("images", IMAGES)
def test_how_often_it_errs(images: int):
    """Of 200 candidates that are as good as the served one, at most 5 % are promoted; with 30 images, at
    least 90 % of those that save a sixth or a quarter of the clicks."""
    as_good, better = ([share(pool, images) for pool in pools] for pools in (AS_GOOD, SAVES))
    print("|", images, "|", " | ".join(f"{each:.1%}" for each in [*as_good, *better]), "|")
    assert max(as_good) <= 0.05
    assert min(better) >= {6: 0.4, 10: 0.5, 20: 0.8}.get(images, 0.9)


def test_less_than_the_least_gain_is_promoted_by_chance_alone():
    """Skew deceives every test where many images gain a little and a rare one loses much."""
    assert share(AS_GOOD[0] + LEAST / 2, 30) <= 0.15
    assert Gain(30, LEAST / 2, LEAST / 4, 30).convinces is False

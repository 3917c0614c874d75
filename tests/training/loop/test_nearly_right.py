"""Nearly right masks are nearly right, and obey their clicks."""

from __future__ import annotations

import numpy as np
import pytest

from click99_training.loop.nearly_right import nearly_right


@pytest.mark.parametrize("seed", range(12))
def test_nearly_right_masks_are_nearly_right_and_obey_their_clicks(seed: int):
    truth = np.zeros((96, 96), bool)
    truth[20:70, 30:80] = True
    alpha, clicks = nearly_right(truth, np.random.default_rng(seed))
    prediction = alpha > 0.5
    assert 0.5 < (prediction & truth).sum() / (prediction | truth).sum() <= 1
    assert clicks
    for click in clicks:
        assert prediction[click.y, click.x] == truth[click.y, click.x] == click.positive


def test_they_err_in_several_ways_and_are_often_right_elsewhere():
    """A network that knows one way undoes it unasked, and draws again what was right."""
    truth = np.zeros((96, 96), bool)
    truth[20:70, 30:80] = True
    masks = [nearly_right(truth, np.random.default_rng(seed))[0] > 0.5 for seed in range(60)]
    wrong = [mask != truth for mask in masks]
    untouched = [not each[:, :30].any() and not each[:20].any() for each in wrong]  # no part off the object
    assert 0.3 < np.mean(untouched) < 0.9
    assert 0.1 < np.mean([each.mean() < 0.01 for each in wrong]) < 0.7


@pytest.mark.parametrize("pixels", [[], [(3, 4)], [(0, 0), (31, 31)]])
def test_of_next_to_nothing(pixels: list[tuple[int, int]]):
    truth = np.zeros((32, 32), bool)
    for pixel in pixels:
        truth[pixel] = True
    for seed in range(20):
        alpha, clicks = nearly_right(truth, np.random.default_rng(seed))
        assert alpha.shape == (32, 32)
        assert np.isfinite(alpha).all()
        assert all((alpha[click.y, click.x] > 0.5) == truth[click.y, click.x] for click in clicks)

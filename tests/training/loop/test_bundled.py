from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from click99_training.datasets.sample import Sample
from click99_training.loop.bundled import MOST_AROUND, MOST_POSITIVE, bundled_clicks

OTHERS = np.zeros((352, 352), np.uint8)
OTHERS[:60, :60] = 1
OTHERS[280:, 280:] = 2


def sample(others: np.ndarray | None) -> Sample:
    truth = np.zeros((352, 352), bool)
    truth[100:220, 120:250] = True
    image = np.zeros((352, 352, 3), np.uint8)
    return Sample("box", image, truth, np.zeros_like(truth), others=others)


@pytest.mark.parametrize("seed", range(30))
def test_clicks_fall_where_xu_et_al_draw_them(seed: int):
    box = sample(OTHERS)
    clicks = bundled_clicks(box, np.random.default_rng(seed))
    positive = [click for click in clicks if click.positive]
    negative = [click for click in clicks if not click.positive]
    assert 1 <= len(positive) <= MOST_POSITIVE
    assert len(negative) <= MOST_AROUND
    assert all(box.truth[click.y, click.x] for click in positive)
    border = np.asarray(distance_transform_edt(np.pad(box.truth, 1)))[1:-1, 1:-1]
    assert all(border[click.y, click.x] >= 4.5 for click in positive)
    outside = np.asarray(distance_transform_edt(~box.truth))
    for click in negative:
        assert OTHERS[click.y, click.x] or 4.5 <= outside[click.y, click.x] <= 41


def test_all_three_strategies_are_drawn():
    on_others, around = 0, set()
    box = sample(OTHERS)
    for seed in range(60):
        negative = [c for c in bundled_clicks(box, np.random.default_rng(seed)) if not c.positive]
        on_others += any(OTHERS[c.y, c.x] for c in negative)
        around.add(len(negative))
    assert 5 < on_others < 40
    assert MOST_AROUND in around


def test_without_other_objects_clicks_stay_around_the_object():
    box = sample(None)
    outside = np.asarray(distance_transform_edt(~box.truth))
    for seed in range(30):
        for click in bundled_clicks(box, np.random.default_rng(seed)):
            assert click.positive or outside[click.y, click.x] <= 41


def test_a_one_pixel_object_is_clicked():
    truth = np.zeros((32, 32), bool)
    truth[5, 7] = True
    tiny = Sample("dot", np.zeros((32, 32, 3), np.uint8), truth, np.zeros_like(truth))
    assert (7, 5, True) in [(c.x, c.y, c.positive) for c in bundled_clicks(tiny, np.random.default_rng(0))]

"""Nearly right masks are nearly right, and obey their clicks."""

from __future__ import annotations

import numpy as np
import pytest

from click99_training.loop.nearly_right import nearly_right


@pytest.mark.parametrize("seed", range(5))
def test_nearly_right_masks_are_nearly_right_and_obey_their_clicks(seed: int):
    truth = np.zeros((96, 96), bool)
    truth[20:70, 30:80] = True
    alpha, clicks = nearly_right(truth, np.random.default_rng(seed))
    prediction = alpha > 0.5
    assert 0.5 < (prediction & truth).sum() / (prediction | truth).sum() <= 1
    assert clicks
    for click in clicks:
        assert prediction[click.y, click.x] == truth[click.y, click.x] == click.positive

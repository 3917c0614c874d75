"""The order of a run's batches."""

from __future__ import annotations

from itertools import islice

import pytest

from click99_training.loop.steps import by_turns
from click99_training.recipes import COMPACT_ENDLESS


def test_sizes_by_turns_keep_their_shares_and_go_on_anywhere():
    crops = COMPACT_ENDLESS.crops
    keys = list(islice(by_turns(crops), 400))
    images = [index for key in keys for index, _ in key]
    assert images == list(range(len(images)))
    for part in (keys[:200], keys[200:]):
        sides = [side for key in part for _, side in key]
        shares = {side: sides.count(side) / len(sides) for side in sides}
        assert shares == pytest.approx({side: share for side, _, share in crops}, abs=0.02)
    assert list(islice(by_turns(crops, start=keys[33][0][0]), 10)) == keys[33:43]

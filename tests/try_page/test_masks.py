"""What of a soft mask the page gets."""

from __future__ import annotations

import numpy as np
import pytest

from click99.sessions.sessions import VersionedMask
from click99.try_page.masks import packed


def soft(*places: tuple[slice, slice, int]) -> VersionedMask:
    alpha = np.zeros((20, 30), np.uint8)
    for rows, columns, value in places:
        alpha[rows, columns] = value
    return VersionedMask(alpha, "v1", 0.9)


SOLID, EDGE, GHOST = (
    (slice(5, 10), slice(5, 10), 255),
    (slice(5, 10), slice(10, 12), 60),
    (slice(5, 10), slice(20, 25), 100),
)


@pytest.mark.parametrize("places", [[], [GHOST]])
def test_a_mask_of_nothing_has_no_picture(places: list[tuple[slice, slice, int]]):
    assert (packed(soft(*places)).png, packed(soft(*places)).quality) == ("", 0)


def test_a_mask_is_sent_as_the_part_that_it_fills():
    answer = packed(soft(SOLID, EDGE, GHOST))
    assert (answer.left, answer.top) == (5, 5)

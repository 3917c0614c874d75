from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from click99.annotations.tables import LessonRow
from click99.memory.memory import DOUBT, SIZES, Memory, sure_gain
from click99.segmentation.discriminant import Moments
from click99.segmentation.prior import UNKNOWN


def lesson(**given: Any) -> LessonRow:
    values = {"size": 0.01, "network": "n", "moments": None, "choice": "none"}
    return LessonRow(**(values | {"plain": None, "with_size": None, "with_map": None} | given))


def looks(seed: int = 0) -> bytes:
    features = np.random.default_rng(seed).normal(size=(3, 4, 4)).astype(np.float32)
    found = Moments.of(features, np.eye(4, dtype=bool))
    assert found
    return found.pack()


def judged(plain: float, with_size: float, with_map: float | None, count: int = 5) -> list[LessonRow]:
    return [lesson(plain=plain, with_size=with_size, with_map=with_map, moments=looks())] * count


@pytest.mark.parametrize(
    ("ious", "choice"),
    [
        ((0.3, 0.3, 0.6), "map"),
        ((0.3, 0.7, 0.6), "size"),
        ((0.6, 0.5, 0.5), "none"),
        ((0.6, 0.6, 0.6), "none"),
        ((0.6, 0.8, None), "size"),
    ],
)
def test_what_helped_most_is_used(ious: tuple[float, float, float | None], choice: str):
    assert Memory.of(judged(*ious)).choice == choice


def test_what_helps_now_and_then_is_not_used():
    luck = judged(0.2, 0.9, 0.9, 1) + judged(0.7, 0.5, 0.5, 4)
    assert Memory.of(luck).choice == "none"


def test_a_label_of_two_different_things_uses_what_helps_both():
    """One of them gains by the map what the other loses by it."""
    two = judged(0.3, 0.3, 0.8, 5) + judged(0.9, 0.9, 0.2, 5)
    assert Memory.of(two).choice == "none"


def test_careless_masks_that_agree_with_nothing_switch_the_memory_off():
    assert Memory.of(judged(0.2, 0.1, 0.15)).choice == "none"


def test_what_stops_helping_is_dropped():
    assert Memory.of(judged(0.3, 0.3, 0.6, 4)).choice == "map"
    assert Memory.of(judged(0.3, 0.3, 0.6, 4) + judged(0.9, 0.9, 0.1, 4)).choice == "none"


def test_a_gain_is_less_its_standard_error():
    assert sure_gain([(0.5, 0.9)]) is None
    assert sure_gain([(0.5, 0.9), (None, 0.9), (0.5, None)]) is None
    assert sure_gain([(0.5, 0.9)] * 4) == pytest.approx(0.4 - DOUBT / 2)
    assert sure_gain([(0.5, 0.4), (0.5, 0.8)] * 8) == pytest.approx(0.1 - np.hypot(0.2, DOUBT) / 4)


def test_sizes_are_shares_of_the_long_side():
    memory = Memory.of([lesson(size=0.01), lesson(size=0.04)])
    assert memory.prior((50, 100), "size").areas == (100, 400)
    assert memory.prior((50, 100), "size", (7,)).areas == (7,)
    assert memory.prior((50, 100), "none") == UNKNOWN
    assert memory.prior((50, 100), "none", (7,)).areas == (7,)


def test_the_newest_sizes_count():
    assert Memory.of([lesson(size=k / 1000) for k in range(1, SIZES + 11)]).sizes[0] == 0.011


def test_a_map_is_of_the_network_that_saw_most():
    rows = [lesson(moments=looks(k), network="before") for k in range(2)] + [lesson(moments=looks(5))]
    memory = Memory.of(rows)
    assert memory.discriminant
    assert memory.discriminant.network == "before"
    assert memory.prior((9, 9), "map").discriminant == memory.discriminant


@pytest.mark.parametrize("moments", [None, b"", b"x" * 7, b"\0" * 3000])
def test_without_moments_there_is_no_map(moments: bytes | None):
    assert Memory.of([lesson(moments=moments)]).discriminant is None


def test_nothing_is_known_of_nothing():
    assert Memory.of([]) == Memory()
    assert Memory().choice == "none"

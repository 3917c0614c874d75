"""Memory that threads share out."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from click99.labelstudio import brush, pixels, regions
from click99.labelstudio.budget import Budget
from tests.labelstudio.site import picture


@pytest.mark.parametrize(("amount", "together"), [(10, 10), (34, 2), (60, 1), (500, 1)])
def test_no_more_is_taken_at_once_than_there_is(amount: int, together: int):
    budget, lock = Budget(100), threading.Lock()
    inside = most = 0

    def take(_: int) -> None:
        nonlocal inside, most
        with budget.taking(amount):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(take, range(30)))
    assert 1 <= most <= together


def test_large_pictures_are_unpacked_one_after_the_other(monkeypatch: pytest.MonkeyPatch):
    unpacked = Budget(16 * 60 * 40)
    monkeypatch.setattr(pixels, "UNPACKED", unpacked)
    with ThreadPoolExecutor(1) as pool:
        with unpacked.taking(1):
            waiting = pool.submit(pixels.read_pixels, picture(60, 40), "a.png", 10**6)
            time.sleep(0.1)
            assert not waiting.done()
        assert waiting.result(10).shape == (40, 60, 3)


def test_decoded_regions_are_kept_by_their_bytes():
    kept = regions._shown.cache  # pyright: ignore
    shape = (2048, 2048)
    for number in range(60):
        mask = np.zeros(shape, bool)
        mask[0, number] = mask[-1, -1] = mask[-1, 0] = True
        regions._shown("brushlabels", bytes(encoded(mask)), (), *shape)
    assert 0 < kept.currsize <= regions.KEPT_BYTES  # pyright: ignore
    assert len(kept) < 40


def encoded(mask: np.ndarray) -> list[int]:
    return brush.encode(mask.view(np.uint8) * np.uint8(255))

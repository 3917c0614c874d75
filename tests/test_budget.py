"""Memory that threads share out."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from click99 import budget
from click99.budget import Budget
from click99.labelstudio import brush, pixels, regions
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


def test_what_is_not_free_is_refused(monkeypatch: pytest.MonkeyPatch):
    free = 300 * 2**20
    monkeypatch.setattr(budget, "free_memory", lambda: free)
    with Budget(2**30).taking(2**20, 2**20), Budget(2**30).taking(2**30, 236 * 2**20):
        pass
    told = "needs 237 MB of memory, and 236 are free"
    with pytest.raises(MemoryError, match=told), Budget(2**30).taking(2**30, 237 * 2**20):
        pass


def test_what_others_hold_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(budget, "free_memory", lambda: 300 * 2**20)

    def take() -> str:
        with Budget(2**30).taking(2**28, 200 * 2**20):  # of its own: memory is everybody's
            return "taken"

    with ThreadPoolExecutor(1) as pool:
        with Budget(2**30).taking(2**28, 100 * 2**20):
            waiting = pool.submit(take)
            time.sleep(0.1)
            assert not waiting.done()
        assert waiting.result(10) == "taken"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({"memory/memory.limit_in_bytes": "1000", "memory/memory.usage_in_bytes": "400"}, 600),
        ({"memory/a/b/memory.limit_in_bytes": "900", "memory/a/b/memory.usage_in_bytes": "400"}, 500),
        ({"memory/a/memory.limit_in_bytes": "900", "memory/a/memory.usage_in_bytes": "950"}, -50),
        ({"v2/memory.max": "800", "v2/memory.current": "300"}, 500),
        ({"v2/memory.max": "max", "v2/memory.current": "300"}, budget.UNLIMITED),
        (
            {
                "v2/memory.max": "800",
                "v2/memory.current": "300",
                "v2/memory.stat": "anon 9\ninactive_file 100\nactive_file 50\n",
            },
            625,
        ),
        ({}, budget.UNLIMITED),
    ],
)
def test_what_control_groups_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], free: int
):
    """This process is in a/b of version 1's memory, and in v2 of version 2."""
    for name, content in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    read = budget._text
    groups = "7:cpu:/x\n4:memory:/a/b\n0::/v2\n"
    monkeypatch.setattr(budget, "GROUPS", tmp_path)
    monkeypatch.setattr(budget, "_text", lambda file: groups if file.name == "cgroup" else read(file))
    assert budget._of_groups() == free


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
    kept = regions.decoded
    kept.bound(2**27)
    shape = (2048, 2048)
    for number in range(60):
        mask = np.zeros(shape, bool)
        mask[0, number] = mask[-1, -1] = mask[-1, 0] = True
        regions._shown("brushlabels", bytes(encoded(mask)), (), *shape)
    assert 0 < kept.size <= kept.most
    assert len(kept) < 40


def encoded(mask: np.ndarray) -> list[int]:
    return brush.encode(mask.view(np.uint8) * np.uint8(255))

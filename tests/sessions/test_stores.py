"""MemoryStore: bounded by bytes and by age, least recently used first out."""

from __future__ import annotations

from backend.sessions import MemoryStore


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def mask(value: int = 0) -> bytes:
    return bytes([value]) * 100


def test_what_was_put_is_got():
    store = MemoryStore(1000, 60)
    store.put("a", mask(7))
    assert store.get("a") == mask(7)
    assert store.get("b") is None


def test_the_least_recently_used_goes_first():
    store = MemoryStore(250, 60)
    store.put("a", mask())
    store.put("b", mask())
    store.get("a")
    store.put("c", mask())
    assert [store.get(key) is not None for key in "abc"] == [True, False, True]


def test_putting_a_key_again_counts_it_once():
    store = MemoryStore(250, 60)
    for value in range(5):
        store.put("a", mask(value))
    store.put("b", mask())
    assert store.get("a") is not None
    assert store.get("b") is not None


def test_the_newest_is_kept_however_large():
    store = MemoryStore(10, 60)
    store.put("a", mask())
    store.put("b", mask())
    assert store.get("a") is None
    assert store.get("b") is not None


def test_unused_masks_are_forgotten_after_their_age():
    clock = Clock()
    store = MemoryStore(1000, 60, clock)
    store.put("a", mask())
    store.put("b", mask())
    clock.now = 50
    store.get("a")
    clock.now = 70
    assert store.get("b") is None
    assert store.get("a") is not None

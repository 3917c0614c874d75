"""All stores, by the same rules: bounded by age and, where Redis does not see to it, by bytes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from click99.sessions import DiskStore, MemoryStore
from click99.sessions.redis_store import RedisStore
from click99.sessions.stores import State, Store
from tests.redis_server import RedisServer

Make = Callable[..., Store]


def noise(seed: int) -> bytes:
    """100 bytes that don't get shorter by compression."""
    return random.Random(seed).randbytes(100)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


bounded = pytest.mark.parametrize("kind", ["memory", "disk"], indirect=True)


@pytest.fixture(params=["memory", "disk", "redis"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def make(kind: str, clock: Clock, tmp_path: Path, request: pytest.FixtureRequest) -> Make:
    """Make an empty store with room for so many values of `noise`, which forgets after a minute."""

    def make_one(room: float = 10) -> Store:
        max_bytes = int(room * 100)
        if kind == "memory":
            return MemoryStore(max_bytes, 60, clock)
        if kind == "disk":
            return DiskStore(tmp_path / "kept.sqlite", max_bytes, 60, clock)
        server: RedisServer = request.getfixturevalue("redis")
        server.client.flushdb()
        return RedisStore(server.url, max_bytes, 60)

    return make_one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wait(kind: str, clock: Clock, request: pytest.FixtureRequest) -> Callable[[float], None]:
    """Let seconds pass. Redis' own clock cannot be set: what is kept there is made older instead."""

    def wait_for(seconds: float) -> None:
        clock.now += seconds
        if kind == "redis":
            client = request.getfixturevalue("redis").client
            for key in client.scan_iter():
                client.pexpire(key, client.pttl(key) - round(seconds * 1000))

    return wait_for


def known(store: Store, keys: str) -> str:
    return "".join(key for key in keys if store.get(key) is not None)


def test_what_was_put_is_got(make: Make):
    store = make()
    store.put("a", noise(7))
    store.put("empty", b"")
    assert store.get("a") == noise(7)
    assert store.get("empty") == b""
    assert store.get("b") is None


def test_no_change_is_lost_between_many_threads(make: Make):
    store = make()

    def append(k: int) -> None:
        def change(before: bytes | None) -> bytes:
            time.sleep(0.001)  # lets the others run
            return (before or b"") + bytes([k])

        store.update("all", change)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(60)))
    changed = store.get("all")
    assert changed
    assert sorted(changed) == list(range(60))


@bounded
def test_the_least_recently_used_goes_first(make: Make):
    store = make(room=2.5)
    store.put("a", noise(1))
    store.put("b", noise(2))
    store.get("a")
    store.put("c", noise(3))
    assert known(store, "abc") == "ac"


@bounded
def test_putting_a_key_again_counts_it_once(make: Make):
    store = make(room=2.5)
    for seed in range(5):
        store.put("a", noise(seed))
    store.put("b", noise(9))
    assert known(store, "ab") == "ab"
    assert store.get("a") == noise(4)


@bounded
def test_the_newest_is_kept_however_large(make: Make):
    store = make(room=0.1)
    store.put("a", noise(1))
    store.put("b", noise(2))
    assert known(store, "ab") == "b"


def test_unused_values_are_forgotten_after_their_age(make: Make, wait: Callable[[float], None]):
    store = make()
    store.put("a", noise(1))
    store.put("b", noise(2))
    wait(50)
    assert store.get("a") == noise(1)
    wait(20)
    assert known(store, "ab") == "a"
    wait(70)
    assert known(store, "ab") == ""


@bounded
def test_what_is_forgotten_makes_room(make: Make, wait: Callable[[float], None]):
    store = make(room=2.5)
    store.put("a", noise(1))
    store.put("b", noise(2))
    wait(70)
    store.put("c", noise(3))
    store.put("d", noise(4))
    assert known(store, "abcd") == "cd"


ALPHA = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize(("quality", "kept"), [(0.0, 0), (0.5, 128), (1.0, 255), (-0.1, 0), (1.2, 255)])
def test_a_state_comes_back_as_it_was_kept(quality: float, kept: int):
    state = State.of(ALPHA.copy(), quality)
    again = State.unpack(state.pack(), (3, 4))
    assert again
    assert np.array_equal(again.alpha, ALPHA)
    assert again.quality == state.quality == kept
    assert not again.alpha.flags.writeable
    assert not state.alpha.flags.writeable


@pytest.mark.parametrize("value", [None, b"", b"\0" * 12, b"\0" * 14])
def test_what_is_damaged_is_no_state(value: bytes | None):
    assert State.unpack(value, (3, 4)) is None

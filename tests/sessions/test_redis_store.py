"""What only Redis brings: sharing, going away, coming back, being full, being damaged."""

from __future__ import annotations

import logging
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from click99.segmentation.clicks import Click
from click99.sessions import MemoryStore, Sessions
from click99.sessions.redis_store import PAUSE, PREFIX, RedisStore
from tests.disc_painter import DiscPainter
from tests.redis_server import RedisServer
from tests.sessions.cut_way import Way

IMAGE = np.zeros((48, 64, 3), np.uint8)
CLICKS = [Click(5 + 9 * k, 12 + 4 * k, k != 3, f"click {k}") for k in range(6)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


def store_at(url: str, clock: Clock | None = None, losses: list[str] | None = None) -> RedisStore:
    noted = [] if losses is None else losses
    return RedisStore(url, 1 << 20, 60, lambda: noted.append("lost"), clock or Clock())


def keys(redis: RedisServer) -> list[bytes]:
    return redis.client.keys()  # pyright: ignore[reportReturnType]


def fresh(clicks: list[Click]) -> np.ndarray:
    return Sessions(DiscPainter(), MemoryStore(1 << 20, 60)).mask("image", IMAGE, clicks).alpha


def test_one_worker_goes_on_where_another_was(redis: RedisServer):
    first, second = DiscPainter(), DiscPainter()
    Sessions(first, store_at(redis.url)).mask("image", IMAGE, CLICKS[:3])
    mask = Sessions(second, store_at(redis.url)).mask("image", IMAGE, CLICKS[:4]).alpha
    assert [len(clicks) for clicks in first.steps + second.steps] == [1, 2, 3, 4]
    assert np.array_equal(mask, fresh(CLICKS[:4]))


def test_values_are_compressed_and_all_keys_expire(redis: RedisServer):
    store = store_at(redis.url)
    store.put("a", bytes(100_000))
    store.update("b", lambda _: b"value")
    assert redis.client.strlen(f"{PREFIX}a") < 1000  # pyright: ignore[reportOperatorIssue]
    assert sorted(keys(redis)) == [b"click99:a", b"click99:b"]
    assert all(0 < redis.client.pttl(key) <= 60_000 for key in keys(redis))  # pyright: ignore


def test_no_change_is_lost_between_workers(redis: RedisServer):
    stores = [store_at(redis.url) for _ in range(3)]

    def append(k: int) -> None:
        stores[k % 3].update("all", lambda before: (before or b"") + bytes([k]))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(append, range(60)))
    assert sorted(stores[0].get("all") or b"") == list(range(60))


def test_changes_go_on_without_redis_and_with_it_again(redis: RedisServer):
    clock = Clock()
    store = store_at(redis.url, clock)
    for change in (b"a", b"b", b"c"):
        store.update("all", lambda before, change=change: (before or b"") + change)
        if change == b"a":
            redis.stop()
        if change == b"b":
            redis.start()  # empty
            clock.now += PAUSE
    assert store.get("all") == b"bc"


def test_redis_may_drop_any_key(redis: RedisServer):
    painter = DiscPainter()
    sessions = Sessions(painter, store_at(redis.url))
    sessions.mask("image", IMAGE, CLICKS)
    for key in keys(redis):
        redis.client.delete(key)
        assert np.array_equal(sessions.mask("image", IMAGE, CLICKS).alpha, fresh(CLICKS))
    assert len(painter.steps) > len(CLICKS)


def test_a_redis_that_drops_what_was_used_least_takes_every_value(redis: RedisServer):
    redis.client.config_set("maxmemory-policy", "allkeys-lru")
    redis.client.config_set("maxmemory", int(redis.client.info("memory")["used_memory"]) + 500_000)  # pyright: ignore
    losses: list[str] = []
    store, rng = store_at(redis.url, losses=losses), np.random.default_rng(0)
    for k in range(100):
        value = rng.bytes(20_000)
        store.put(f"{k}", value)
        assert store.get(f"{k}") == value
    assert 0 < len(keys(redis)) < 100
    assert not losses


@pytest.mark.parametrize(
    "damaged", [b"no mask", b"", zlib.compress(b"short"), zlib.compress(b"\xff" * 3072 + b"long")]
)
def test_a_damaged_value_is_replayed_and_made_anew(redis: RedisServer, damaged: bytes):
    painter = DiscPainter()
    sessions = Sessions(painter, store_at(redis.url))
    sessions.mask("image", IMAGE, CLICKS)
    for key in keys(redis):
        redis.client.set(key, damaged)
    for _ in range(2):
        assert np.array_equal(sessions.mask("image", IMAGE, CLICKS).alpha, fresh(CLICKS))
    assert len(painter.steps) == 2 * len(CLICKS)


def test_a_damaged_value_is_changed_as_if_there_were_none(redis: RedisServer):
    redis.client.set(f"{PREFIX}a", b"damaged")
    store = store_at(redis.url)
    store.update("a", lambda before: b"new" if before is None else b"old")
    assert store.get("a") == b"new"


def test_redis_going_away_costs_a_replay_and_no_mask(redis: RedisServer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    painter, clock, losses = DiscPainter(), Clock(), []
    sessions = Sessions(painter, store_at(redis.url, clock, losses))
    masks = []
    for k in range(1, 7):
        if k == 3:
            redis.stop()
        if k == 5:
            redis.start()
            clock.now += PAUSE
        masks.append(sessions.mask("image", IMAGE, CLICKS[:k]).alpha)
    for k, mask in enumerate(masks, 1):
        assert np.array_equal(mask, fresh(CLICKS[:k]))
    # Lost at the third click: all three are run. Then each is found again, before and after Redis is back.
    assert [len(clicks) for clicks in painter.steps] == [1, 2, 1, 2, 3, 4, 5, 6]
    assert losses == ["lost"]
    told = [record.message for record in caplog.records if record.name == "click99.sessions.redis_store"]
    assert len(told) == 2
    assert "CLICK99_REDIS_URL" in told[0]
    assert told[1] == "Redis is back"
    assert len(keys(redis)) == 6  # two masks, and the versions and sizes of their clicks


def test_without_redis_from_the_start_clicks_are_answered():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    painter = DiscPainter()
    sessions = Sessions(painter, store_at(f"redis://127.0.0.1:{port}"))
    for k in range(1, 4):
        assert np.array_equal(sessions.mask("image", IMAGE, CLICKS[:k]).alpha, fresh(CLICKS[:k]))
    assert [len(clicks) for clicks in painter.steps] == [1, 2, 3]


@pytest.mark.slow("waits for a Redis")
def test_a_redis_that_hangs_is_waited_for_once():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = store_at(f"redis://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        for k in range(20):
            store.put(f"{k}", b"value")
            assert store.get(f"{k}") == b"value"
        assert time.monotonic() - start < 5


def test_a_full_redis_is_read_and_not_written(redis: RedisServer):
    store = store_at(redis.url)
    store.put("a", b"before")
    redis.client.config_set("maxmemory-policy", "noeviction")
    redis.client.config_set("maxmemory", 1)
    assert store.get("a") == b"before"
    store.put("b", b"after")
    assert store.get("b") == b"after"
    assert keys(redis) == [b"click99:a"]


def test_one_loss_is_noted_once_by_many_threads(caplog: pytest.LogCaptureFixture):
    losses: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    store = store_at(f"redis://127.0.0.1:{port}", losses=losses)
    together = threading.Barrier(8)

    def ask(k: int) -> None:
        together.wait()
        store.get(f"{k}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert losses == ["lost"]
    assert len(caplog.records) == 1


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.mark.slow("many histories")
@given(st.data())
@settings(max_examples=10)
def test_a_redis_that_one_of_two_workers_cannot_reach_costs_no_mask(shared: RedisServer, data: st.DataObject):
    """The other writes meanwhile, a click's worker is anyone, and the way is cut and mended at any time."""
    shared.client.flushdb()
    clock = Clock()
    with Way(shared.port) as way:
        urls = (shared.url, f"redis://127.0.0.1:{way.port}/0")
        losses: list[str] = []
        workers = [Sessions(DiscPainter(), store_at(url, clock, losses)) for url in urls]
        for _ in range(data.draw(st.integers(2, 8))):
            way.set(data.draw(st.booleans()))
            clock.now += data.draw(st.sampled_from([0, PAUSE]))
            clicks = [click for click in CLICKS if data.draw(st.booleans())] or CLICKS[:1]
            mask = data.draw(st.sampled_from(workers)).mask("image", IMAGE, clicks).alpha
            assert np.array_equal(mask, fresh(clicks))
        way.set(False)
        clock.now += PAUSE
        assert np.array_equal(workers[1].mask("image", IMAGE, CLICKS).alpha, fresh(CLICKS))
        assert losses, "it was really cut off"


@given(st.data())
@settings(max_examples=30)
def test_any_history_over_two_workers_ends_in_the_mask_of_a_fresh_server(
    shared: RedisServer, data: st.DataObject
):
    shared.client.flushdb()
    room = data.draw(st.sampled_from([1, 500, 1 << 20]))
    workers = [Sessions(DiscPainter(), RedisStore(shared.url, room, 60)) for _ in range(2)]
    for _ in range(data.draw(st.integers(1, 8))):
        if data.draw(st.integers(0, 3)) == 0:
            shared.client.flushdb()
        clicks = [click for click in CLICKS if data.draw(st.booleans())] or CLICKS[:1]
        mask = data.draw(st.sampled_from(workers)).mask("image", IMAGE, clicks).alpha
        assert np.array_equal(mask, fresh(clicks))

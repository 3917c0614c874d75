"""Addresses of a Redis: encrypted ones, and those of Sentinels, which know where it is now."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from redis.exceptions import RedisError

from click99.segmentation.clicks import Click
from click99.sessions import MemoryStore, Sessions
from click99.sessions.redis_store import PAUSE, RedisStore
from click99.sessions.redis_url import connect, reason
from tests.certificates import self_signed
from tests.disc_painter import DiscPainter
from tests.redis_server import RedisServer, SentinelServer
from tests.waiting import until

IMAGE = np.zeros((48, 64, 3), np.uint8)
CLICKS = [Click(5 + 9 * k, 12 + 4 * k, k != 3, f"click {k}") for k in range(6)]


class Watched(NamedTuple):
    """Two Redis, of which the second copies the first, and who watches them."""

    first: RedisServer
    second: RedisServer
    sentinel: SentinelServer
    url: str

    def second_is_it(self) -> bool:
        """Whether the Sentinel sends clients there."""
        told: dict[str, Any] = self.sentinel.client.sentinel_master("masks")  # pyright: ignore
        return told["port"] == self.second.port and not told["is_sdown"]


@pytest.fixture(params=["plain", "encrypted"])
def watched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    """With passwords; before a Sentinel that lives there is one that does not."""
    certificate = self_signed(tmp_path) if request.param == "encrypted" else None
    asked = {"password": "s3cret", "certificate": certificate}
    with ExitStack() as running:
        first = running.enter_context(RedisServer(tmp_path, **asked))
        copying = ("--replicaof", "127.0.0.1", str(first.port))
        second = running.enter_context(RedisServer(tmp_path, *copying, **asked))
        sentinel = running.enter_context(SentinelServer(tmp_path, first, **asked))
        until(lambda: second.client.info("replication")["master_link_status"] == "up")  # pyright: ignore
        scheme, trusted = ("rediss", f"&ssl_ca_certs={certificate}") if certificate else ("redis", "")
        hosts = f"127.0.0.1:9,127.0.0.1:{sentinel.port}"
        url = f"{scheme}+sentinel://:s3cret@{hosts}/masks/1?sentinel_password=s3cret{trusted}"
        yield Watched(first, second, sentinel, url)


@pytest.mark.slow("a Redis takes over")
def test_clicks_go_on_when_another_redis_takes_over(watched: Watched, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    now, losses, painter = 0.0, [], DiscPainter()
    store = RedisStore(watched.url, 1 << 20, 60, lambda: losses.append("lost"), lambda: now)
    sessions, fresh = Sessions(painter, store), Sessions(DiscPainter(), MemoryStore(1 << 20, 60))
    for k in range(1, 7):
        if k == 3:
            assert watched.first.client.wait(1, 5000) == 1, "the second has it all"
            watched.first.stop()
        if k == 5:
            until(watched.second_is_it, 30)
            now += PAUSE
        mask = sessions.mask("image", IMAGE, CLICKS[:k]).alpha
        assert np.array_equal(mask, fresh.mask("image", IMAGE, CLICKS[:k]).alpha)
    # Lost at the third click: all three are run. The fifth finds what was kept in the process meanwhile.
    assert [len(clicks) for clicks in painter.steps] == [1, 2, 1, 2, 3, 4, 5, 6]
    assert losses == ["lost"]
    assert "Redis is back" in caplog.text
    assert "s3cret" not in caplog.text
    assert watched.second.client.info("keyspace").keys() == {"db1"}
    another = DiscPainter()
    Sessions(another, RedisStore(watched.url, 1 << 20, 60)).mask("image", IMAGE, CLICKS)
    assert not another.steps, "another process finds the masks there"


def test_a_name_that_nobody_watches(watched: Watched):
    with pytest.raises(RedisError) as caught:
        connect(watched.url.replace("/masks/", "/mask/"), 1).ping()
    assert reason(caught.value) == "No master found for 'mask'"


def test_a_certificate_that_is_not_trusted(tmp_path: Path):
    with RedisServer(tmp_path, certificate=self_signed(tmp_path)) as redis:
        assert connect(redis.url, 1).ping()
        with pytest.raises(RedisError, match=r"self.signed certificate"):
            connect(redis.url.partition("?")[0], 1).ping()


@pytest.mark.parametrize("url", ["http://redis", "redis+sentinel://a:port/masks", "redis"])
def test_what_is_no_address(url: str):
    with pytest.raises(ValueError, match=r"scheme|port|Port"):
        connect(url, 1)

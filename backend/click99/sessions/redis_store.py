"""What is kept between clicks, in Redis: for several workers, and for masks that outlive a restart."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError

from click99.sessions.redis_url import connect, reason
from click99.sessions.stores import MemoryStore

log = logging.getLogger(__name__)

TIMEOUT = 1.0  # seconds; a Redis that is slower than replaying a few clicks is of no use
PAUSE = 5.0  # seconds without asking a Redis that has just failed, so that clicks don't wait for it

PREFIX = "click99:"

Answer = TypeVar("Answer")


class RedisStore:
    """`MemoryStore`'s rules, in a Redis that several processes share; values are compressed there.

    Each value has a key of its own that expires unused; how much is kept is for Redis' maxmemory to say, and
    any key may be dropped at any time. A Redis that fails is left alone for PAUSE seconds and asked again.
    Meanwhile this process keeps what it makes to itself; that it does not know what others made costs
    replays, nothing else.
    """

    def __init__(
        self,
        url: str,
        max_bytes: int,
        max_age_s: float,
        on_loss: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Connects at the first use. max_bytes: of what is kept without Redis. on_loss: Redis fails.

        url: as for `connect`, ValueError too.
        """
        self._redis = connect(url, TIMEOUT)
        self._max_age_ms = round(max_age_s * 1000)
        self._meanwhile = MemoryStore(max_bytes, max_age_s, clock)
        self._on_loss, self._clock = on_loss, clock
        self._lock = threading.Lock()
        self._lost = False
        self._ask_again = 0.0

    def get(self, key: str) -> bytes | None:
        value = unpack(self._ask(lambda redis: redis.getex(PREFIX + key, px=self._max_age_ms)))
        return self._meanwhile.get(key) if value is None else value

    def put(self, key: str, value: bytes) -> None:
        if not self._ask(lambda redis: self._set(redis, key, value)):
            self._meanwhile.put(key, value)

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        def step(pipe: Pipeline) -> None:
            before = unpack(pipe.get(PREFIX + key))
            pipe.multi()
            self._set(pipe, key, change(self._meanwhile.get(key) if before is None else before))

        # Redis has it done again when someone came between.
        if not self._ask(lambda redis: redis.transaction(step, PREFIX + key)):
            self._meanwhile.update(key, change)

    def _set(self, redis: Redis, key: str, value: bytes) -> Any:
        return redis.set(PREFIX + key, zlib.compress(value, 1), px=self._max_age_ms)

    def _ask(self, command: Callable[[Redis], Answer]) -> Answer | None:
        """What Redis answers; None when there is none to ask."""
        if self._clock() < self._ask_again:
            return None
        try:
            answer = command(self._redis)
        except RedisError as error:
            self._report_loss(error)
            return None
        self._report_answer()
        return answer

    def _report_loss(self, error: RedisError) -> None:
        with self._lock:
            self._ask_again = self._clock() + PAUSE
            first, self._lost = not self._lost, True
        if first:
            self._on_loss()
            log.warning("CLICK99_REDIS_URL: %s. Clicks are answered without it, more slowly", reason(error))

    def _report_answer(self) -> None:
        with self._lock:
            back, self._lost = self._lost, False
        if back:
            log.info("Redis is back")


def unpack(packed: Any) -> bytes | None:
    """A value as it was put; None when there is none, or it is damaged."""
    try:
        return None if packed is None else zlib.decompress(packed)
    except zlib.error:
        return None

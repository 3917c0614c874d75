"""What is kept between clicks, in Redis: for several workers, and for masks that outlive a restart."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import RedisError
from redis.retry import Retry

from click99.sessions.stores import MemoryStore

log = logging.getLogger(__name__)

TIMEOUT = 1.0  # seconds; a Redis that is slower than replaying a few clicks is of no use
PAUSE = 5.0  # seconds without asking a Redis that has just failed, so that clicks don't wait for it

# The braces keep all three on one node of a Redis cluster.
KEYS = ("{click99}:values", "{click99}:uses", "{click99}:bytes")

# Redis runs a script alone and whole, so the three keys stay in step whoever else calls.
SCRIPT = """
-- KEYS: values by name (hash), microsecond of the last use by name (sorted set), bytes of all values
-- ARGV: name, max age in microseconds; to put also: value, max bytes; and to put it only in the place of
-- another: that value, empty for none
local values, uses, bytes = unpack(KEYS)
local name, max_age, given, max_bytes, expected = unpack(ARGV)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function forget(old)
  redis.call('DECRBY', bytes, redis.call('HSTRLEN', values, old))
  redis.call('HDEL', values, old)
  redis.call('ZREM', uses, old)
end

if redis.call('EXISTS', unpack(KEYS)) < 3 then  -- Redis itself dropped one, being short of memory
  redis.call('DEL', unpack(KEYS))
end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', uses, '-inf', string.format('(%.0f', now - max_age))) do
  forget(old)
end
if expected and expected ~= (redis.call('HGET', values, name) or '') then return 0 end
if given then
  local before = redis.call('HSTRLEN', values, name)
  redis.call('HSET', values, name, given)  -- the first to write, so that a full Redis refuses it
  redis.call('INCRBY', bytes, #given - before)
end
local value = redis.call('HGET', values, name)
if not value then return false end
redis.pcall('ZADD', uses, string.format('%.0f', now), name)  -- a full Redis can still be read
while given and redis.call('ZCARD', uses) > 1 and tonumber(redis.call('GET', bytes)) > tonumber(max_bytes) do
  forget(redis.call('ZRANGE', uses, 0, 0)[1])
end
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, math.ceil(max_age / 1000))
end
return given and 1 or value
"""


class RedisStore:
    """`MemoryStore`'s rules, in a Redis that several processes share; values are compressed there.

    A Redis that fails is left alone for PAUSE seconds and asked again. Meanwhile this process keeps what it
    makes to itself; that it does not know what others made costs replays, nothing else.
    """

    def __init__(
        self,
        url: str,
        max_bytes: int,
        max_age_s: float,
        on_loss: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Connects at the first use. max_bytes: of all compressed values together. on_loss: Redis fails.

        ValueError when `url` is none of redis://, rediss:// and unix://.
        """
        # One retry: a connection kept from before Redis was restarted fails once.
        retry = Retry(NoBackoff(), 1, supported_errors=(LostConnection,))
        redis = Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=retry)
        self._script = redis.register_script(SCRIPT)
        self.max_bytes, self.max_age_s = max_bytes, max_age_s
        self._meanwhile = MemoryStore(max_bytes, max_age_s, clock)
        self._on_loss, self._clock = on_loss, clock
        self._lock = threading.Lock()
        self._lost = False
        self._ask_again = 0.0

    def get(self, key: str) -> bytes | None:
        packed = self._run(key)
        value = unpack(packed) if isinstance(packed, bytes) else None
        return self._meanwhile.get(key) if value is None else value

    def put(self, key: str, value: bytes) -> None:
        if self._run(key, zlib.compress(value, 1), self.max_bytes) is None:
            self._meanwhile.put(key, value)

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        done: bytes | int | None = 0
        while done == 0:  # someone else changed it meanwhile
            before = self._run(key)
            packed = before if isinstance(before, bytes) else b""
            value = change(unpack(packed) or self._meanwhile.get(key))
            done = self._run(key, zlib.compress(value, 1), self.max_bytes, packed)
        if done is None:
            self._meanwhile.update(key, change)

    def _run(self, key: str, *given: bytes | int) -> bytes | int | None:
        """The script's answer; None when it has none, or when there is no Redis to ask."""
        if self._clock() < self._ask_again:
            return None
        try:
            answer = self._script(keys=KEYS, args=[key, round(self.max_age_s * 1e6), *given])
        except RedisError as error:
            self._note_loss(error)
            return None
        self._note_answer()
        return answer  # pyright: ignore[reportReturnType]

    def _note_loss(self, error: RedisError) -> None:
        with self._lock:
            self._ask_again = self._clock() + PAUSE
            first, self._lost = not self._lost, True
        if first:
            self._on_loss()
            log.warning("CLICK99_REDIS_URL: %s. Clicks are answered without it, more slowly", error)

    def _note_answer(self) -> None:
        with self._lock:
            back, self._lost = self._lost, False
        if back:
            log.info("Redis is back")


def unpack(packed: bytes) -> bytes | None:
    """A value as it was put; None when it is damaged."""
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return None

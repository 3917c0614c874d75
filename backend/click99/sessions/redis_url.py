"""The Redis that CLICK99_REDIS_URL names: by its address, or by Sentinels that know where it is now."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import ConnectionError as LostConnection
from redis.retry import Retry
from redis.sentinel import Sentinel

SENTINEL = "+sentinel"  # ends the scheme of an address of Sentinels
SENTINEL_PORT = 26379


def connect(url: str, timeout: float) -> Redis:
    """A client of it, which connects at its first use.

    url: redis://, rediss://, unix://, as redis-py has them, or of Sentinels
    redis+sentinel://[user:password@]host[:port][,host[:port]…]/name[/number][?sentinel_password=…], with
    rediss+sentinel:// where they and Redis speak TLS. timeout: seconds to connect, and for each answer.
    ValueError for another.
    """
    # One retry: a connection kept from before Redis was restarted fails once.
    retry = Retry(NoBackoff(), 1, supported_errors=(LostConnection,))
    options: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": retry}
    if not urlsplit(url).scheme.endswith(SENTINEL):
        return Redis.from_url(url, **options)
    return _by_sentinels(url, options)


def reason(error: Exception) -> str:
    """What it says, without the clients of all Sentinels, which it describes at length."""
    return str(error).partition(" : <")[0]


def _by_sentinels(url: str, options: dict[str, Any]) -> Redis:
    """Of the Redis that they name at the moment; asked again for each new connection."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    name, _, number = parts.path.strip("/").partition("/")
    scheme = parts.scheme.removesuffix(SENTINEL)
    told = parse_url(f"{scheme}://{login}{at}/{number}?{parts.query}")
    encrypted = {"ssl": True} if told.pop("connection_class", None) else {}
    options = (
        options | encrypted | {option: told.pop(option) for option in [*told] if option.startswith("ssl_")}
    )
    own = {option: told.pop(f"sentinel_{option}", None) for option in ("username", "password")}
    sentinels = Sentinel(_addresses(hosts), sentinel_kwargs=options | own, **options)
    return sentinels.master_for(name, **told)


def _addresses(hosts: str) -> list[tuple[str, int]]:
    """ValueError for a port that is none."""
    found = [urlsplit(f"//{host}") for host in hosts.split(",")]
    return [(each.hostname or "", each.port or SENTINEL_PORT) for each in found]

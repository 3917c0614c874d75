"""Which store keeps what: the record, and what is between clicks."""

from __future__ import annotations

from click99.annotations.database import Database, sqlite_url
from click99.server.metrics import Metrics
from click99.server.settings import Settings
from click99.sessions import DiskStore, MemoryStore, RedisStore
from click99.sessions.stores import Store

LASTING_BYTES = 32 * 2**20  # the versions of some tens of thousands of clicks, and the last answers


def open_database(settings: Settings) -> Database:
    """The record: PostgreSQL, or a file in CLICK99_HOME. Nothing is connected to yet."""
    return Database(settings.database_url or sqlite_url(settings.home))


def open_store(settings: Settings, metrics: Metrics) -> Store:
    """For masks: in Redis when there is one, else in the process."""
    max_bytes, max_age_s = settings.state_mb * 2**20, settings.state_minutes * 60
    if settings.redis_url:
        return RedisStore(settings.redis_url, max_bytes, max_age_s, metrics.redis_losses.inc)
    return MemoryStore(max_bytes, max_age_s)


def open_lasting_store(settings: Settings, store: Store) -> Store:
    """For what no request brings and must outlive a restart: what open objects run on, the last answers.

    store: the one for masks.
    """
    if settings.redis_url:
        return store
    return DiskStore(settings.home / "notes.sqlite", LASTING_BYTES, settings.state_minutes * 60)

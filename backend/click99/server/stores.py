"""Which store keeps what between clicks."""

from __future__ import annotations

from click99.server.metrics import Metrics
from click99.server.settings import Settings
from click99.sessions import DiskStore, MemoryStore, RedisStore
from click99.sessions.stores import Store

NOTES_BYTES = 32 * 2**20  # the versions of some tens of thousands of clicks, and the last answers


def open_store(settings: Settings, metrics: Metrics) -> Store:
    """For masks: in Redis when there is one, else in the process."""
    max_bytes, max_age_s = settings.state_mb * 2**20, settings.state_minutes * 60
    if settings.redis_url:
        return RedisStore(settings.redis_url, max_bytes, max_age_s, metrics.redis_losses.inc)
    return MemoryStore(max_bytes, max_age_s)


def open_notes(settings: Settings, store: Store) -> Store:
    """For what no request brings and must outlive a restart: what open objects run on, the last answers.

    store: the one for masks.
    """
    if settings.redis_url:
        return store
    return DiskStore(settings.home / "notes.sqlite", NOTES_BYTES, settings.state_minutes * 60)

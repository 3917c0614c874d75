"""State between clicks: identify, replay, cache."""

from click99.sessions.disk_store import DiskStore
from click99.sessions.redis_store import RedisStore
from click99.sessions.sessions import Sessions
from click99.sessions.stores import MemoryStore
from click99.sessions.versions import Versions

__all__ = ["DiskStore", "MemoryStore", "RedisStore", "Sessions", "Versions"]

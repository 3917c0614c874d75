"""State between clicks: identify, replay, cache."""

from backend.sessions.disk_store import DiskStore
from backend.sessions.redis_store import RedisStore
from backend.sessions.sessions import Sessions
from backend.sessions.stores import MemoryStore
from backend.sessions.versions import Versions

__all__ = ["DiskStore", "MemoryStore", "RedisStore", "Sessions", "Versions"]

"""State between clicks: identify, replay, cache."""

from backend.sessions.redis_store import RedisStore
from backend.sessions.sessions import Sessions
from backend.sessions.stores import MemoryStore

__all__ = ["MemoryStore", "RedisStore", "Sessions"]

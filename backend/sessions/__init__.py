"""State between clicks: identify, replay, cache."""

from backend.sessions.sessions import Sessions
from backend.sessions.stores import MemoryStore

__all__ = ["MemoryStore", "Sessions"]

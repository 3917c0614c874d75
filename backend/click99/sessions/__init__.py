"""State between clicks: identify, replay, cache."""

from click99.sessions.disk_store import DiskStore
from click99.sessions.object_versions import ObjectVersions
from click99.sessions.priors import Priors
from click99.sessions.redis_store import RedisStore
from click99.sessions.sessions import Sessions
from click99.sessions.stores import MemoryStore

__all__ = ["DiskStore", "MemoryStore", "ObjectVersions", "Priors", "RedisStore", "Sessions"]

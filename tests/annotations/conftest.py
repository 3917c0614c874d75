"""The record on both databases, and events as Label Studio sends them."""

from __future__ import annotations

from tests.annotations.api import address, api
from tests.databases import database, postgresql, postgresql_url

__all__ = ["address", "api", "database", "postgresql", "postgresql_url"]

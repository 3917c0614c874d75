"""The record on both databases."""

from __future__ import annotations

from tests.databases import database, postgresql, postgresql_url

__all__ = ["database", "postgresql", "postgresql_url"]

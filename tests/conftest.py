"""Machines differ, and some are busy: how long an example takes says nothing about it."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("click99", deadline=None)
settings.load_profile("click99")

"""Which store keeps what: the record, and what is between clicks."""

from __future__ import annotations

import logging

from sqlalchemy.exc import SQLAlchemyError

from click99.annotations.database import Database, reason, sqlite_url
from click99.annotations.upgrades import SchemaError
from click99.server.prometheus import Metrics
from click99.server.settings import Settings
from click99.sessions import DiskStore, MemoryStore, RedisStore
from click99.sessions.stores import Store

log = logging.getLogger(__name__)

LASTING_BYTES = 32 * 2**20  # the versions of some tens of thousands of clicks, and the last answers


def open_database(settings: Settings) -> Database:
    """The record: PostgreSQL, or a file in CLICK99_HOME. Nothing is connected to yet."""
    url = settings.database_url or sqlite_url(settings.home)
    upgrades = {"start": True, "command": False, "auto": url.startswith("sqlite")}
    return Database(url, upgrades=upgrades[settings.database_upgrade])


def prepare_record(settings: Settings) -> None:
    """Make or upgrade the record before anything is served. SchemaError when it can't be worked with.

    One that is away holds up nothing: its clicks and events wait.
    """
    database = open_database(settings)
    try:
        database.prepare()
    except SchemaError as error:
        raise SchemaError(f"{database.name}: {error}") from None
    except (SQLAlchemyError, OSError) as error:
        log.warning("The record is away: %s: %s. Clicks and events wait for it", database.name, reason(error))
    finally:
        database.close()


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

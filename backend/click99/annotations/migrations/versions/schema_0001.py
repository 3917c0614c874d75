"""The first schema, as click99 made it before it had revisions.

A database of that time is here already: what it has is left as it is.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from click99.annotations.upgrades import complete

revision, down_revision = "0001", None

METADATA = MetaData()
TIME, HASH = DateTime(timezone=True), String(64)

Table(
    "masks",
    METADATA,
    Column("key", HASH, primary_key=True),
    Column("height", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("png", LargeBinary, nullable=False),
)
Table(
    "tasks",
    METADATA,
    Column("project", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("data", Text),
    Column("synced_at", TIME),
)
Table(
    "clicks",
    METADATA,
    Column("state", HASH, primary_key=True),
    Column("parent", HASH),
    Column("project", String, nullable=False, index=True),
    Column("task", String, nullable=False),
    Column("region", String, nullable=False, index=True),
    Column("label", String, nullable=False),
    Column("place", Integer, nullable=False),
    Column("click_id", String, nullable=False),
    Column("x", Integer, nullable=False),
    Column("y", Integer, nullable=False),
    Column("positive", Boolean, nullable=False),
    Column("box", String),
    Column("origin", String, nullable=False),
    Column("start", HASH, ForeignKey("masks.key")),
    Column("model_version", String, nullable=False),
    Column("milliseconds", Double),
    Column("asked_at", TIME, nullable=False),
    Column("mask", HASH, ForeignKey("masks.key")),
    Column("image", Text, nullable=False),
)
Table(
    "events",
    METADATA,
    Column("digest", HASH, primary_key=True),
    Column("received_at", TIME, nullable=False, index=True),
    Column("action", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("problem", Text),
)
Table(
    "annotations",
    METADATA,
    Column("project", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("task", String, index=True),
    Column("annotator", String),
    Column("created_at", TIME),
    Column("updated_at", TIME),
    Column("lead_time", Double),
    Column("cancelled", Boolean, nullable=False),
    Column("deleted_at", TIME),
    Column("event", HASH),
)
Table(
    "regions",
    METADATA,
    Column("project", String, primary_key=True),
    Column("annotation", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("label", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("mask", HASH, ForeignKey("masks.key")),
    Column("problem", Text),
)
Table(
    "schedule",
    METADATA,
    Column("name", String, primary_key=True),
    Column("begun_at", TIME, nullable=False),
)


def upgrade() -> None:
    complete(op.get_bind(), METADATA)

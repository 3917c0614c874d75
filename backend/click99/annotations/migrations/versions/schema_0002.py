"""What accepted masks taught (docs/explanation/memory.md), and what was told to be forgotten."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, DateTime, Double, LargeBinary, MetaData, String, Table

from click99.annotations.upgrades import complete

revision, down_revision = "0002", "0001"

METADATA = MetaData()
TIME = DateTime(timezone=True)

Table(
    "lessons",
    METADATA,
    Column("project", String, primary_key=True),
    Column("annotation", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("version", String, primary_key=True),
    Column("label", String, nullable=False, index=True),
    Column("task", String),
    Column("mask", String(64), nullable=False),
    Column("saved_at", TIME, nullable=False),
    Column("network", String, nullable=False),
    Column("size", Double, nullable=False),
    Column("moments", LargeBinary),
    Column("choice", String, nullable=False),
    Column("plain", Double),
    Column("with_size", Double),
    Column("with_map", Double),
)
Table(
    "forgotten",
    METADATA,
    Column("project", String, primary_key=True),
    Column("label", String, primary_key=True),
    Column("at", TIME, nullable=False),
)


def upgrade() -> None:
    complete(op.get_bind(), METADATA)

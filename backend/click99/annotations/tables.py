"""The record's tables. In all of them `project` is Label Studio's project: its id and when it was made.

Two Label Studios count their projects, tasks and annotations alike; the time tells them apart.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, ForeignKey, LargeBinary, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Utc(TypeDecorator[datetime]):
    """A time with its zone; SQLite forgets zones, so all are kept in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class RecordRow(DeclarativeBase):
    type_annotation_map = {datetime: Utc, bytes: LargeBinary}  # noqa: RUF012


class MaskRow(RecordRow):
    """A mask by its content's hash. png: one bit a pixel."""

    __tablename__ = "masks"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    height: Mapped[int]
    width: Mapped[int]
    png: Mapped[bytes]


class TaskRow(RecordRow):
    """data: the task's own fields as JSON, such as the image's address. synced_at: `updated_at` of the task
    when `click99 sync` read its annotations."""

    __tablename__ = "tasks"

    project: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[str | None] = mapped_column(Text)
    synced_at: Mapped[datetime | None]


class ClickRow(RecordRow):
    """One click of an object, and the mask after it.

    state: hash of the object and its clicks so far, `parent` the one before this click: the real sequence is
    the way from an object's last state back to its first. Undone and moved clicks stay, on ways of their own.
    region: the object, the same id as the saved region's. place: how many clicks came before. x, y: pixels,
    origin top left. box: for an object begun with a box, "left top right bottom" in pixels.
    origin: where the previous mask came from, `start` that mask unless the parent has it (see `Origin`).
    milliseconds: from request to mask. mask and milliseconds are None for a click that is only known from a
    later one's request.
    """

    __tablename__ = "clicks"

    state: Mapped[str] = mapped_column(String(64), primary_key=True)
    parent: Mapped[str | None] = mapped_column(String(64))
    project: Mapped[str] = mapped_column(index=True)
    task: Mapped[str]
    region: Mapped[str] = mapped_column(index=True)
    label: Mapped[str]
    place: Mapped[int]
    click_id: Mapped[str]
    x: Mapped[int]
    y: Mapped[int]
    positive: Mapped[bool]
    box: Mapped[str | None]
    origin: Mapped[str]
    start: Mapped[str | None] = mapped_column(ForeignKey(MaskRow.key))
    model_version: Mapped[str]
    milliseconds: Mapped[float | None]
    asked_at: Mapped[datetime]
    mask: Mapped[str | None] = mapped_column(ForeignKey(MaskRow.key))
    image: Mapped[str] = mapped_column(Text)


class EventRow(RecordRow):
    """What Label Studio sent, or `click99 sync` found, as it was. digest: SHA-256 of the body.

    problem: why it could not be read; its body is kept all the same.
    """

    __tablename__ = "events"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    action: Mapped[str]
    body: Mapped[bytes]
    problem: Mapped[str | None] = mapped_column(Text)


class AnnotationRow(RecordRow):
    """The newest known state of an annotation. deleted_at: its tombstone. event: the digest of the event that
    told. lead_time: seconds that the annotator took. annotator: Label Studio's user id."""

    __tablename__ = "annotations"

    project: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    task: Mapped[str | None] = mapped_column(index=True)
    annotator: Mapped[str | None]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    lead_time: Mapped[float | None]
    cancelled: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[datetime | None]
    event: Mapped[str | None] = mapped_column(String(64))


class RegionRow(RecordRow):
    """A mask in an annotation. id: the clicks' `region`. origin: Label Studio's (prediction: accepted as it
    was; prediction-changed: retouched; manual: drawn). problem: why there is no mask."""

    __tablename__ = "regions"

    project: Mapped[str] = mapped_column(primary_key=True)
    annotation: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    kind: Mapped[str]
    origin: Mapped[str]
    mask: Mapped[str | None] = mapped_column(ForeignKey(MaskRow.key))
    problem: Mapped[str | None] = mapped_column(Text)


class ScheduleRow(RecordRow):
    """When something regular was begun last, so that only one of several workers does it."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(primary_key=True)
    begun_at: Mapped[datetime]


class LessonRow(RecordRow):
    """What an accepted mask taught a model version (docs/explanation/memory.md).

    network: whose features the moments are of. size: the mask's area over the square of its picture's long
    side. moments: None where the network or the mask is not fit for them. choice: what answered first clicks
    then ("none", "size", "map"). plain, with_size, with_map: IoU of the answers to the person's first click
    without memory and with it; None: there was no such click, or no memory yet.
    """

    __tablename__ = "lessons"

    project: Mapped[str] = mapped_column(primary_key=True)
    annotation: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(index=True)
    task: Mapped[str | None]
    mask: Mapped[str] = mapped_column(String(64))
    saved_at: Mapped[datetime]
    network: Mapped[str]
    size: Mapped[float]
    moments: Mapped[bytes | None]
    choice: Mapped[str]
    plain: Mapped[float | None]
    with_size: Mapped[float | None]
    with_map: Mapped[float | None]


class ForgottenRow(RecordRow):
    """A label whose masks are not remembered unless they were saved later than `at`."""

    __tablename__ = "forgotten"

    project: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]

"""What the server tells the record (backend/click99/annotations) of each click that it answers."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

import numpy as np

from click99.annotations.clicks import Interaction, Origin, Point
from click99.annotations.database import Database, sqlite_url
from click99.annotations.masks import Bits
from click99.annotations.recorder import Recorder
from click99.labelstudio.boxes import BoxDrawn, box_drawn
from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.label_config import LabelConfig
from click99.server.canvas import Question
from click99.server.metrics import Metrics
from click99.server.settings import Settings
from click99.sessions.refine_or_new import ClickedObject

log = logging.getLogger(__name__)


class NotKeptError(LabelStudioError):
    """The disk takes no event."""


def open_database(settings: Settings) -> Database:
    """The configured one: PostgreSQL, or a file in CLICK99_HOME. Nothing is connected to yet."""
    return Database(settings.database_url or sqlite_url(settings.home))


def open_recorder(settings: Settings, metrics: Metrics) -> Recorder:
    return Recorder(open_database(settings), settings.home, metrics)


def record(
    recorder: Recorder, question: Question, found: ClickedObject, mask: np.ndarray, version: str
) -> None:
    """Hand an answer to the record. mask: bool [H, W]. Nothing that goes wrong here harms the click."""
    try:
        recorder.click(interaction(question, found, mask, version))
    except Exception:
        log.exception("A click of region %s is not recorded", found.id)


def keep(recorder: Recorder, event: bytes) -> None:
    """On return the event is on the disk; NotKeptError when it cannot be."""
    try:
        recorder.event(event)
    except OSError as error:
        remedy = "Free its disk, then `click99 sync` finds what was missed"
        raise NotKeptError("CLICK99_HOME", f"an event is not kept ({error})", remedy) from None


def interaction(question: Question, found: ClickedObject, mask: np.ndarray, version: str) -> Interaction:
    """An answer as the record keeps it. mask: bool [H, W]."""
    request, target = question.request, question.target
    box = _box(question)
    return Interaction(
        project=request.project or "",
        task=str(request.task.id),
        region=found.id,
        label=target.label,
        image=LabelConfig.parse(request.label_config).image_url(
            request.task.data, target.to_name, target.item_index
        ),
        clicks=[Point(click_id, click.x, click.y, click.positive) for click_id, click in found.clicks],
        mask=Bits.pack(mask),
        origin="box" if box else _origin(question, found),
        start=Bits.pack(found.start.mask) if found.start else None,
        box=box,
        model_version=version,
        milliseconds=1000 * (time.perf_counter() - question.asked),
        asked_at=datetime.now(UTC),
    )


def _box(question: Question) -> tuple[int, int, int, int] | None:
    """left, top, right, bottom in pixels, when a box was drawn instead of a click."""
    context = question.request.context
    drawn = box_drawn(context.result) if context else None
    if not isinstance(drawn, BoxDrawn):
        return None
    box = drawn.pixels(*question.shape)
    return box.left, box.top, box.right, box.bottom


def _origin(question: Question, found: ClickedObject) -> Origin:
    if found.start is None:
        return "nothing"
    if found.id not in question.screen.saved:
        return "accepted"
    return "draft" if question.work.is_draft else "annotation"

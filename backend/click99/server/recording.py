"""What the server tells the record (backend/click99/annotations) of each click that it answers."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

import numpy as np

from click99.annotations.answered_clicks import AnsweredClick, Origin, image_name
from click99.annotations.masks import Bits
from click99.annotations.recorder import Recorder
from click99.labelstudio.errors import LabelStudioError
from click99.labelstudio.prompts import Box, Question
from click99.sessions.corrections import Start
from click99.sessions.refine_or_new import ClickedObject
from click99.sessions.ways import Way, since_prediction

log = logging.getLogger(__name__)


class NotKeptError(LabelStudioError):
    """The disk takes no event."""

    status = 507


def record(
    recorder: Recorder, question: Question, found: ClickedObject, way: Way, mask: np.ndarray, version: str
) -> None:
    """Hand an answer to the record. mask: bool [H, W]. Nothing that goes wrong here harms the click."""
    try:
        recorder.click(answered_click(question, found, way, mask, version))
    except Exception:
        log.exception("A click of region %s is not recorded", found.id)


def keep(recorder: Recorder, event: bytes) -> None:
    """On return the event is on the disk; NotKeptError when it cannot be."""
    try:
        recorder.event(event)
    except OSError as error:
        remedy = "Free its disk, then `click99 sync` finds what was missed"
        raise NotKeptError("CLICK99_HOME", f"an event is not kept ({error})", remedy) from None


def answered_click(
    question: Question, found: ClickedObject, way: Way, mask: np.ndarray, version: str
) -> AnsweredClick:
    """An answer as the record keeps it. mask: bool [H, W]."""
    request, way = question.request, since_prediction(question, found, way)
    return AnsweredClick(
        project=request.project or "",
        task=str(request.task.id),
        region=found.id,
        label=", ".join(question.labels(found.labels, found.control)),
        image=image_name(question.image_url),
        clicks=way.noted,
        mask=Bits.pack(mask),
        origin=_origin(question, found, way),
        start=Bits.pack(way.start.mask) if isinstance(way.start, Start) else None,
        box=way.start.ends if isinstance(way.start, Box) else None,
        model_version=version,
        milliseconds=1000 * (time.perf_counter() - question.asked),
        asked_at=datetime.now(UTC),
    )


def _origin(question: Question, found: ClickedObject, way: Way) -> Origin:
    if isinstance(way.start, Box):
        return "box"
    if way.start is None:
        return "nothing"
    if found.id not in question.screen.saved:
        return "accepted"
    return question.work.kind

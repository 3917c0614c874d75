"""Clicks and events as they reach the record, of one small image, and who is told how it fares."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from click99.annotations.answered_clicks import AnsweredClick
from click99.annotations.database import Database
from click99.annotations.events import keep_event
from click99.annotations.masks import Bits
from click99.labelstudio import brush
from click99.segmentation.clicks import Click

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PROJECT = {"id": 1, "created_at": "2026-01-01T00:00:00.5Z"}
PROJECT_KEY = "1.1767225600"
SHAPE = (6, 10)


def disc(radius: int = 2) -> np.ndarray:
    """bool [6, 10]"""
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return (rows - 3) ** 2 + (columns - 5) ** 2 < radius**2


def answered_click(clicks: Sequence[str], region: str = "object", **changes: Any) -> AnsweredClick:
    """Clicks by their ids, each one pixel to the right of the one before."""
    given = {
        "project": PROJECT_KEY,
        "task": "3",
        "region": region,
        "label": "cell",
        "image": "/data/upload/a.png",
        "clicks": [Click(x, 2, x != 1, click) for x, click in enumerate(clicks)],
        "mask": Bits.pack(disc(len(clicks))),
        "origin": "nothing",
        "start": None,
        "box": None,
        "model_version": "discs-1",
        "milliseconds": 40.0 + len(clicks),
        "asked_at": NOON,
    }
    return AnsweredClick(**(given | changes))  # pyright: ignore[reportArgumentType]


def brush_item(region: str = "object", mask: np.ndarray | None = None, **changes: Any) -> dict[str, Any]:
    """A result with a mask."""
    rle = brush.encode((disc() if mask is None else mask).view(np.uint8) * np.uint8(255))
    return {
        "id": region,
        "type": "brushlabels",
        "from_name": "brush",
        "to_name": "image",
        "original_width": SHAPE[1],
        "original_height": SHAPE[0],
        "origin": "prediction",
        "value": {"format": "rle", "rle": rle, "brushlabels": ["cell"]},
    } | changes


def saved(
    *items: dict[str, Any],
    action: str = "ANNOTATION_CREATED",
    minute: int = 0,
    number: int = 9,
    **changes: Any,
) -> bytes:
    """An event that tells of annotation 9 of task 3, saved at that minute."""
    annotation = {
        "id": number,
        "task": 3,
        "completed_by": 4,
        "created_at": NOON.isoformat(),
        "updated_at": (NOON + timedelta(minutes=minute)).isoformat(),
        "lead_time": 8.5,
        "was_cancelled": False,
        "result": list(items),
    }
    task = {"id": 3, "data": {"image": "/data/upload/a.png"}}
    body = {"action": action, "annotation": annotation | changes, "task": task, "project": PROJECT}
    return json.dumps(body).encode()


def deleted(number: int = 9) -> bytes:
    body = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": number}], "project": PROJECT}
    return json.dumps(body).encode()


def keep(database: Database, *bodies: bytes) -> list[bool]:
    """Whether each was new."""
    new = []
    for body in bodies:
        with database.writing() as session:
            new.append(keep_event(session, body, NOON) is not None)
    return new


@dataclass
class Watching:
    """Remembers what it is told."""

    failures: list[bool] = field(default_factory=list)
    losses: int = 0
    aside: list[str] = field(default_factory=list)
    waits: list[tuple[int, int]] = field(default_factory=list)

    def waiting(self, clicks: int, events: int) -> None:
        self.waits.append((clicks, events))

    def failing(self, failing: bool) -> None:
        self.failures.append(failing)

    def lost(self) -> None:
        self.losses += 1

    def set_aside(self, kind: str) -> None:
        self.aside.append(kind)

"""Clicks and their masks on the way into the record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from click99.annotations.database import insert_new
from click99.annotations.masks import Bits, keep
from click99.annotations.tables import ClickRow
from click99.labelstudio.data_uris import is_data_uri
from click99.segmentation.clicks import Click

# Where the mask before a click came from: there was none; the click before it; a box; a region of a draft or
# of a submitted annotation; an answer that was accepted just now and is not saved yet.
Origin = Literal["nothing", "click", "box", "draft", "annotation", "prediction", "accepted"]


@dataclass(frozen=True)
class AnsweredClick:
    """An object's clicks so far, at least one, and the mask after the last.

    origin, start: of the mask before the first of them. image: see `image_name`. Others:
    see `tables.ClickRow`.
    """

    project: str
    task: str
    region: str
    label: str
    image: str
    clicks: Sequence[Click]
    mask: Bits
    origin: Origin
    start: Bits | None
    box: tuple[int, int, int, int] | None
    model_version: str
    milliseconds: float
    asked_at: datetime

    @property
    def size(self) -> int:
        """Bytes in memory, as good as."""
        texts = sum(map(len, (self.project, self.task, self.region, self.label, self.image)))
        clicks = sum(200 + len(click.id) for click in self.clicks)
        return 1000 + len(self.mask.rows) + (len(self.start.rows) if self.start else 0) + texts + clicks

    def states(self) -> Iterator[str]:
        """A key for each click: hashes the object, what it started from, and the clicks up to there.

        Not where the mask that it started from was then: a prediction's is a draft's at the next click.
        """
        begun = f"mask {self.start.key}" if self.start else f"{self.origin} "
        chain = hashlib.sha256("\n".join([self.project, self.task, self.region, self.model_version]).encode())
        chain.update(f"\n{begun} {self.box}".encode())
        for click in self.clicks:
            chain.update(f"\n{click.id!r} {click.x} {click.y} {click.positive}".encode())
            yield chain.hexdigest()


def image_name(address: str) -> str:
    """An image's address as clicks keep it: of a data URI, which is the image itself, its hash.

    The task has it whole.
    """
    if not is_data_uri(address):
        return address
    return f"data:;sha256,{hashlib.sha256(address.encode(errors='surrogatepass')).hexdigest()}"


def write(session: Session, answered_click: AnsweredClick) -> None:
    """Keep the last click with its mask, and those before it that are not kept yet: each request brings all.

    An answer given twice is kept once.
    """
    states = list(answered_click.states())
    mask = keep(session, answered_click.mask)
    start = keep(session, answered_click.start) if answered_click.start else None
    for place, state in enumerate(states):
        last = state == states[-1]
        row = _row(answered_click, states, place, start, mask if last else None)
        if not insert_new(session, ClickRow, row) and last:
            _complete(session, state, mask, answered_click)


def _row(
    answered_click: AnsweredClick, states: list[str], place: int, start: str | None, mask: str | None
) -> dict:
    click = answered_click.clicks[place]
    return {
        "state": states[place],
        "parent": states[place - 1] if place else None,
        "project": answered_click.project,
        "task": answered_click.task,
        "region": answered_click.region,
        "label": answered_click.label,
        "image": answered_click.image,
        "place": place,
        "click_id": click.id,
        "x": click.x,
        "y": click.y,
        "positive": click.positive,
        "box": " ".join(map(str, answered_click.box)) if answered_click.box else None,
        "origin": "click" if place else answered_click.origin,
        "start": None if place else start,
        "model_version": answered_click.model_version,
        "milliseconds": answered_click.milliseconds if mask else None,
        "asked_at": answered_click.asked_at,
        "mask": mask,
    }


def _complete(session: Session, state: str, mask: str, answered_click: AnsweredClick) -> None:
    """A click that was known from a later one only gets its mask."""
    click = session.get_one(ClickRow, state)
    if click.mask is None:
        click.mask, click.milliseconds = mask, answered_click.milliseconds

"""The answers given last, for the seconds until Label Studio has saved what became of them.

Label Studio saves a draft up to five seconds after a change. Until then a mask that was accepted just now
and one that was rejected just now look the same: the clicks it was made from are gone, and the draft is an
old one. What is remembered here fills only that gap. Without it a click on a mask accepted within those
seconds starts a new object instead of refining it.
"""

from __future__ import annotations

import json
import math
import threading
import time
import zlib
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from cachetools import cached
from pydantic import BaseModel, NonNegativeInt, TypeAdapter

from click99.budget import Kept
from click99.labelstudio.prompts import Screen
from click99.labelstudio.regions import Region, clicks_of, noted_clicks
from click99.segmentation.clicks import Click
from click99.sessions.stores import Store

KEPT_ANSWERS = 8  # answers per task
ENTRY_BYTES = 600  # that a mask takes beside its pixels and its name: as much as a small one's pixels
ALONE_SECONDS = 3600  # from one opening of a task to the next, for its viewer to count as the only one
ONE_OPENING = 2.5  # seconds; Label Studio may ask twice when a page is loaded


@dataclass(frozen=True)
class AnsweredRegion:
    """A region that was sent to `screen`. label: with its control, what regions of one kind share.
    refines: it replaces a region. guessed: and that was only remembered, too."""

    region: Region
    label: str
    screen: Screen
    refines: bool = False
    guessed: bool = False


def perhaps_accepted(answer: AnsweredRegion, now: Screen, alone: bool) -> bool:
    """Whether the answer may be on screen as a region although no draft says so.

    alone: nobody else has opened the task lately.
    """
    if answer.screen.pending & now.pending:
        return False  # it is still the suggestion
    if answer.screen.pending & now.saved:
        return True  # the draft is from before the clicks went
    if answer.screen.person != now.person or (now.person is None and not alone):
        return False
    return answer.screen.draft == now.draft


def counts(answer: AnsweredRegion, click: Click) -> bool:
    """Whether a click beside what was perhaps accepted, perhaps rejected, takes it for accepted.

    A positive one inside would be pointless then: it starts again where a mask was rejected. Only who has
    refined by single clicks that fast before has Label Studio accept every answer by itself.
    """
    if not click.positive or not answer.region.holds(click):
        return True
    return answer.guessed and len(answer.screen.pending) == 1


class RecentAnswers:
    """Kept in a store, a few for each task."""

    def __init__(self, store: Store):
        self._store = store

    def remember(self, task: str, answer: AnsweredRegion) -> None:
        """`answer` becomes the newest of its task, instead of an older one to the same clicks."""

        def add(value: bytes | None) -> bytes:
            others = [kept for kept in _kept(value) if not kept.pending & answer.screen.pending]
            return KEPT_LIST.dump_json([*others, _pack(answer)][-KEPT_ANSWERS:])

        self._store.update(f"answers {task}", add)

    def of(self, task: str) -> list[AnsweredRegion]:
        """The oldest first."""
        return _answers(self._store.get(f"answers {task}"))

    def opened(self, task: str) -> None:
        """Someone opens the task."""

        def add(value: bytes | None) -> bytes:
            times = [*self._lately(value), time.time()]
            return json.dumps([times[0], times[-1]]).encode()

        self._store.update(f"openings {task}", add)

    def alone(self, task: str) -> bool:
        """Whether the task was opened exactly once lately, so that all clicks on it come from there."""
        times = self._lately(self._store.get(f"openings {task}"))
        apart = times[-1] - times[0] if times else math.inf
        return abs(apart) < ONE_OPENING  # less than nothing: another server's clock is behind

    def _lately(self, value: bytes | None) -> list[float]:
        """The kept times of openings, without those that are long ago; none when they are damaged."""
        with suppress(ValueError, TypeError):
            return [at for at in json.loads(value or b"[]") if abs(at - time.time()) < ALONE_SECONDS]
        return []


class _StoredRegion(BaseModel):
    """An `AnsweredRegion` in a store. bits: its region's pixels, packed."""

    id: str
    corner: tuple[NonNegativeInt, NonNegativeInt]
    shape: tuple[NonNegativeInt, NonNegativeInt]
    bits: str
    pending: frozenset[str]
    draft: str | None
    person: str | None
    label: str
    refines: bool
    guessed: bool
    control: str = ""
    labels: tuple[str, ...] = ()
    clicks: list[tuple[str, int, int, bool]] = []
    begun: str | None = None


KEPT_LIST = TypeAdapter(list[_StoredRegion])


def _kept(value: bytes | None) -> list[_StoredRegion]:
    """Nothing when it is damaged."""
    with suppress(ValueError):
        return KEPT_LIST.validate_json(value or b"[]")
    return []


def _answers(value: bytes | None) -> list[AnsweredRegion]:
    """What was kept, without what is damaged."""
    answers = []
    for kept in _kept(value):
        with suppress(ValueError, zlib.error):
            answers.append(_unpack(kept))
    return answers


def _pack(answer: AnsweredRegion) -> _StoredRegion:
    region, screen = answer.region, answer.screen
    return _StoredRegion(
        id=region.id,
        corner=(region.top, region.left),
        shape=(region.pixels.shape[0], region.pixels.shape[1]),
        bits=b64encode(zlib.compress(np.packbits(region.pixels).tobytes(), 1)).decode(),
        pending=screen.pending,
        draft=screen.draft,
        person=screen.person,
        label=answer.label,
        refines=answer.refines,
        guessed=answer.guessed,
        control=region.control,
        labels=region.labels,
        clicks=noted_clicks(region.clicks),
        begun=region.begun,
    )


def _unpack(kept: _StoredRegion) -> AnsweredRegion:
    """ValueError or zlib.error when its pixels are damaged."""
    pixels = _pixels(kept.bits, *kept.shape)
    clicks, control = clicks_of(kept.clicks), kept.control
    region = Region(
        kept.id, *kept.corner, pixels, clicks=clicks, begun=kept.begun, control=control, labels=kept.labels
    )
    screen = Screen(kept.pending, frozenset(), kept.draft, kept.person)
    return AnsweredRegion(region, kept.label, screen, kept.refines, kept.guessed)


def _room(pixels: np.ndarray) -> int:
    """Bytes that keeping them takes; a name holds a bit a pixel, as text."""
    return ENTRY_BYTES + pixels.nbytes + pixels.nbytes // 6


unpacked: Kept[tuple, np.ndarray] = Kept(2**26, _room)


@cached(unpacked, lock=threading.Lock())
def _pixels(bits: str, height: int, width: int) -> np.ndarray:
    """bool [height, width], not to be written to; each click asks for those of all its task's answers."""
    packed = np.frombuffer(zlib.decompress(b64decode(bits)), np.uint8)
    if len(packed) != -(-height * width // 8):
        raise ValueError(f"{len(packed)} bytes for {height} × {width} pixels")
    pixels = np.unpackbits(packed, count=height * width).view(bool).reshape(height, width)
    pixels.flags.writeable = False
    return pixels

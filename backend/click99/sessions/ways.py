"""The way to a mask: what it began from, and the clicks since; noted with a region, and read back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from click99.labelstudio.prompts import Box, Question
from click99.labelstudio.region_types import as_held
from click99.labelstudio.regions import drawn_regions, made_from
from click99.segmentation.clicks import Click
from click99.sessions.corrections import Start
from click99.sessions.refine_or_new import ClickedObject
from click99.sessions.sessions import Beginning

MOST = 100  # clicks that a region goes on with; all of them may have to be run again


class Way(NamedTuple):
    """start: a mask, or a box or lasso around the object; None: nothing. clicks: in order; none: what is
    enclosed is the mask."""

    start: Beginning | None
    clicks: Sequence[Click]

    @property
    def begun(self) -> str:
        """What it began from, as a `Region` tells it."""
        return "" if self.start is None else self.start.name

    @property
    def noted(self) -> list[Click]:
        """The clicks as a region tells them: with the middle of its box, by which the box is known."""
        return [*([self.start.centre] if isinstance(self.start, Box) else []), *self.clicks]


def way_of(question: Question, found: ClickedObject) -> Way:
    """As the request tells it: a new object's from nothing or a box, another one's from its mask."""
    if found.start is None:
        return Way(question.box or question.around, [] if question.box else found.clicks)
    return Way(found.start, found.clicks)


def earlier_ways(question: Question, found: ClickedObject) -> Iterator[Way]:
    """Those that may have made the mask that an object starts from, as its region tells: from nothing, a box,
    or what the task was opened with."""
    height, width = question.shape
    clicks = found.earlier
    if found.begun is None or len(clicks) + len(found.clicks) > MOST or not _inside(clicks, height, width):
        return
    if found.begun == "" and clicks:
        yield Way(None, clicks)
    elif box := Box.named(found.begun, clicks[0].id if clicks else ""):
        if box.right <= width and box.bottom <= height and clicks:
            yield Way(box, clicks[1:])
    elif clicks:
        starts = (Start(mask) for mask in _opened_with(question, found.id))
        yield from (Way(start, clicks) for start in starts if start.name == found.begun)


def since_prediction(question: Question, found: ClickedObject, way: Way) -> Way:
    """A way without what came with a prediction: its prompts are a program's, and its mask is what a person's
    clicks began from."""
    items = (item for work in question.request.task.predictions for item in work.items)
    brought = next(
        (clicks for item in items if item.get("id") == found.id and (clicks := made_from(item))), ()
    )
    if not brought or tuple(way.noted[: len(brought)]) != brought:
        return way
    mask = next(_opened_with(question, found.id), None)
    return way if mask is None else Way(Start(mask), way.noted[len(brought) :])


def leads_to(mask: np.ndarray, question: Question, found: ClickedObject, tolerance: float) -> bool:
    """Whether that mask, bool [H, W], is what an object starts from: as it is, or as its region holds it.

    tolerance: of a polygon, in thousandths of the image's long side.
    """
    assert found.start is not None
    kind = question.target_of(found.control).kind
    saved = found.start.mask
    return np.array_equal(mask, saved) or np.array_equal(as_held(mask, kind, tolerance), saved)


def _inside(clicks: Iterable[Click], height: int, width: int) -> bool:
    return all(0 <= click.x < width and 0 <= click.y < height for click in clicks)


def _opened_with(question: Question, region: str) -> Iterator[np.ndarray]:
    """The masks, bool [H, W], that the task's predictions have of that region."""
    for work in question.request.task.predictions:
        own = [item for item in work.items if item.get("id") == region]  # others cost their reading
        for drawn in drawn_regions(work.model_copy(update={"items": own}), question.targets, *question.shape):
            yield drawn.on_image(*question.shape)

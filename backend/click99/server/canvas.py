"""Which object a request's clicks are about: by what is on screen and what was answered last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from click99.labelstudio.annotators_per_task import AnnotatorsPerTask
from click99.labelstudio.click_group import PixelClick
from click99.labelstudio.label_config import Target
from click99.labelstudio.meta import with_clicks
from click99.labelstudio.payloads import PredictRequest, Work
from click99.labelstudio.per_region import filled_in
from click99.labelstudio.regions import DrawnRegion, crop, drawn_regions, is_of, item_ids
from click99.segmentation.clicks import Click
from click99.sessions.recent_answers import Answer, RecentAnswers, Screen, counts, perhaps_accepted
from click99.sessions.refine_or_new import ClickedObject, NamedClick, Region, identify


@dataclass(frozen=True)
class Question:
    """A request's clicks on one object, and where its answer goes. shape: the image's height and width.
    asked: when it came, by `time.perf_counter`."""

    request: PredictRequest
    target: Target
    clicks: Sequence[NamedClick]
    shape: tuple[int, int]
    asked: float

    @property
    def task(self) -> str:
        """The task's name; a project's name holds when it was made, so that no two Label Studios mix."""
        return f"{self.request.project} {self.request.task.id}"

    @property
    def key(self) -> str:
        """The same for all requests about an object, as long as its first click stays."""
        return f"{self.task} {self.clicks[0][0]}"

    @property
    def label(self) -> str:
        """With its control and picture."""
        target = self.target
        return f"{target.from_name} {target.to_name} {target.item_index} {target.label}"

    @cached_property
    def work(self) -> Work:
        return self.request.task.open_work({click_id for click_id, _ in self.clicks})

    @cached_property
    def screen(self) -> Screen:
        work = self.work
        return Screen(
            pending=frozenset(click_id for click_id, _ in self.clicks),
            saved=item_ids(work),
            draft=f"{work.id} {work.updated_at}" if work.is_draft else None,
            person=work.user,
        )

    def labels(self, region: str) -> list[str]:
        """The answer's, as people have given them to the region of that id; else the prompt's."""
        for item in self.work.items:
            if item.get("id") == region and is_of(item, self.target):
                return [str(label) for label in item["value"][self.target.kind]]
        return [self.target.label, *self.target.more]

    def meta(self, region: str) -> dict[str, Any]:
        """What the answer's region, of that id, notes: all these clicks, and what people wrote on it."""
        before = next((item.get("meta") for item in self.work.items if item.get("id") == region), {})
        return with_clicks(before, [PixelClick(name, c.x, c.y, c.positive) for name, c in self.clicks])

    def beside(self, region: str) -> list[dict[str, Any]]:
        """What people filled in for the region of that id: results that its answer brings again."""
        return list(filled_in(self.work.items, region))


class Canvas:
    """Finds the objects of clicks, and remembers for a while what was answered. Thread-safe as the store."""

    def __init__(self, answers: RecentAnswers, annotators: AnnotatorsPerTask):
        self._answers = answers
        self._annotators = annotators

    def opened(self, request: PredictRequest) -> None:
        """Someone opens the task."""
        self._answers.opened(f"{request.project} {request.task.id}")

    def object_of(self, question: Question, near: float) -> ClickedObject:
        """The object that the clicks are about. near: pixels, see `identify`."""
        click = question.clicks[0][1]
        regions = self._saved_regions(question)
        new_id = self._own_id(question)
        for answer in self._unsaved(question):
            if counts(answer, click):
                regions = [region for region in regions if region.id != answer.region.id] + [answer.region]
            elif not answer.refines:  # whether it was accepted or rejected, the new one takes its place
                new_id = answer.region.id
        return identify(question.clicks, regions, new_id, near, question.shape)

    def remember(self, question: Question, found: ClickedObject, mask: np.ndarray) -> None:
        """Note an answer. mask: bool [H, W]."""
        region = Region(found.id, *crop(mask))
        guessed = found.start is not None and any(a.region.id == found.id for a in self._unsaved(question))
        answer = Answer(region, question.label, question.screen, found.start is not None, guessed)
        self._answers.remember(question.task, answer)

    def _saved_regions(self, question: Question) -> list[Region]:
        """What Label Studio has saved of the canvas.

        A submitted annotation is everybody's only where one person annotates a task. Where several do, each
        on their own, it is not shown to the others, and must not be the start of their masks either.
        """
        work = question.work
        if not work.is_draft and work.items and self._annotators.several(question.request.project):
            return []
        return [_region(drawn) for drawn in drawn_regions(work, question.target, *question.shape)]

    def _unsaved(self, question: Question) -> Iterator[Answer]:
        """The answers that may be on screen although no draft holds them yet, the oldest first."""
        alone = self._answers.alone(question.task)
        for answer in self._answers.of(question.task):
            if answer.label == question.label and perhaps_accepted(answer, question.screen, alone):
                yield answer

    def _own_id(self, question: Question) -> str:
        """The id of the region that these clicks make: the one they got before, else one of their own.

        One made from the task and the first click, so that every answer replaces the one before.
        """
        for answer in self._answers.of(question.task):
            if not answer.refines and answer.screen.pending & question.screen.pending:
                return answer.region.id
        return region_id(question.request.task.id, question.clicks[0][0])


def _region(drawn: DrawnRegion) -> Region:
    clicks = frozenset((c.id, Click(c.x, c.y, c.positive)) for c in drawn.clicks)
    return Region(drawn.id, drawn.top, drawn.left, drawn.pixels, drawn.by_hand, clicks)


def region_id(task: int | str, first_click: str) -> str:
    """The id of the region that a task's clicks make, the same for as long as the first one stays."""
    return hashlib.sha256(f"{task} {first_click}".encode()).hexdigest()[:12]

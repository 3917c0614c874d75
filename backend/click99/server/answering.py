"""A click's way: decode → the object's state → only the new clicks → encode."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np

from click99.budget import Budget
from click99.labelstudio.images import ImageSource
from click99.labelstudio.payloads import PredictRequest
from click99.labelstudio.pixels import no_memory
from click99.labelstudio.predictions import Prediction
from click99.labelstudio.prompts import Question
from click99.labelstudio.regions import Region
from click99.labelstudio.replies import is_related, reply
from click99.segmentation.clicks import Click
from click99.segmentation.prior import UNKNOWN, Prior
from click99.server.remembering import Recall
from click99.sessions import Sessions
from click99.sessions.corrections import Start
from click99.sessions.refine_or_new import ClickedObject, ObjectFinder, beside, others
from click99.sessions.requests_in_flight import RequestsInFlight
from click99.sessions.sessions import VersionedMask
from click99.sessions.ways import Way, earlier_ways, leads_to, way_of
from click99.stages import stage

log = logging.getLogger(__name__)

ANSWERED = Budget(2 * 2**30)
BYTES_PER_PIXEL = 24  # of masks, while a click is answered, at most
NEEDED = 13  # of them are taken in any case, as measured (11 to 13)

BLANK = (
    "Task %.80r: region %.40r has a relation, so without Auto-Accept Label Studio's page goes blank when the "
    "region is refined. Reload it, switch Auto-Accept on, and click again"
)

# Told of each answer: the question, its object, the way to its mask, that, bool [H, W], the model version.
OnAnswer = Callable[[Question, ClickedObject, Way, np.ndarray, str], None]


@contextmanager
def room_for(pixels: int) -> Iterator[None]:
    """While a click on a picture of so many pixels is answered: large ones come one after the other.

    LabelStudioError when there is not enough memory for it.
    """
    try:
        with ANSWERED.taking(BYTES_PER_PIXEL * pixels, NEEDED * pixels):
            yield
    except MemoryError as error:
        raise no_memory("a click on it", error) from None


class Answering:
    """Answers clicks and boxes. Thread-safe."""

    def __init__(
        self,
        images: ImageSource,
        sessions: Sessions,
        objects: ObjectFinder,
        on_answer: OnAnswer,
        polygon_tolerance: float,
        overlap: bool,
        recall: Recall,
    ):
        """polygon_tolerance: in thousandths of the image's long side. overlap: as the setting."""
        self._images, self._sessions, self._objects = images, sessions, objects
        self._on_answer, self._polygon_tolerance = on_answer, polygon_tolerance
        self._overlap, self._recall = overlap, recall
        self._in_flight = RequestsInFlight()

    def answer(self, request: PredictRequest) -> Prediction:
        """The mask after all pending clicks, or of the box drawn last. LabelStudioError when the request, its
        label config or its image is wrong; SupersededError when a newer request has made this one
        pointless."""
        with stage("decode"):
            question = Question.read(request, self._images)
        with room_for(math.prod(question.shape)):
            return self._answer(question)

    def _answer(self, question: Question) -> Prediction:
        question = self._objects.on_screen(question)
        image, project = question.image, question.request.project or ""
        with self._in_flight.answering(question.key, question.clicks) as superseded:
            kept = self._objects.kept(question)
            question = self._objects.unspent(question, kept)
            prior = partial(self._recall, question, partial(self._objects.areas, question, kept))
            asked = {"prior": prior, "superseded": superseded, "project": project}
            mask_of = partial(self._sessions.mask, image.key, image.pixels, **asked)
            near = self._sessions.near(image.pixels)
            found = self._objects.object_of(
                question, kept, near, lambda: mask_of(question.clicks[:1]).foreground
            )
            way = self._way(question, found, kept, mask_of)
            answer = mask_of(way.clicks, way.start)
        mask = self._cut(answer.foreground, way, others(kept, found.id))
        if not mask.any():
            log.warning("Task %.80r: the mask is empty after %s", question.task, question.clicks[-1])
        if is_related(question.work.items, found.id):
            log.warning(BLANK, question.task, found.id)
        region = self._objects.remember(question, found, mask, *_noted(question, way))
        with stage("encode"):
            tolerance = self._polygon_tolerance
            prediction = reply(question, region, mask, answer.score, answer.version, tolerance)
            if found.start is None and not mask.any():
                prediction.result = []  # nobody keeps what nobody sees; the click waits for the next one
        self._on_answer(question, found, way, mask, answer.version)
        return prediction

    def _way(
        self,
        question: Question,
        found: ClickedObject,
        kept: Sequence[Region],
        mask_of: Callable[..., VersionedMask],
    ) -> Way:
        """With all the clicks that made the object's region, where they make that very mask.

        With Auto-Accept every answer is a region at the next click. Started from it, that click would be the
        only one that the network is shown, on a mask without its soft edge.
        """
        prior = partial(self._prior_then, question, found, kept)
        for way in earlier_ways(question, found):
            mask = mask_of(way.clicks, way.start, prior=prior).foreground
            made = self._cut(mask, way, others(kept, found.id))
            if leads_to(made, question, found, self._polygon_tolerance):
                return Way(way.start, [*way.clicks, *found.clicks])
        return way_of(question, found)

    def _prior_then(self, question: Question, found: ClickedObject, kept: Sequence[Region]) -> Prior:
        """What was probably known before the first of an object's earlier clicks, where nobody remembers:
        nothing of one that came with a prediction, else the regions that were there before it."""
        predicted = (item for work in question.request.task.predictions for item in work.items)
        if found.id in (item.get("id") for item in predicted):
            return UNKNOWN
        return self._recall(question, partial(self._objects.areas, question, kept, found.id))

    def _cut(self, mask: np.ndarray, way: Way, regions: Sequence[Region]) -> np.ndarray:
        """What a new object has of its mask, bool [H, W], beside those regions."""
        return mask if self._overlap or isinstance(way.start, Start) else beside(mask, way.clicks, regions)


def _noted(question: Question, way: Way) -> tuple[Sequence[Click], str | None]:
    """The clicks that the answer's region tells, and what it says that they began from (see `Region`)."""
    if isinstance(way.start, Start) and not {*question.clicks} <= {*way.clicks}:
        return question.clicks, None  # some made the mask that the others start from
    return way.noted, way.begun

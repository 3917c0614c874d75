"""Learns from accepted masks: what they look like, how large they are, and whether knowing it would have
helped the person who made them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
from cachetools import TTLCache
from sqlalchemy.exc import SQLAlchemyError

from click99.annotations.database import Database
from click99.annotations.masks import pixels
from click99.annotations.saved_masks import SavedMask
from click99.annotations.tables import LessonRow, MaskRow
from click99.labelstudio.errors import ImageError, LabelStudioError
from click99.labelstudio.images import Image
from click99.memory.lessons import LONG_AGO, drop, due, keep, lessons_of, stale
from click99.memory.memories import Memories
from click99.memory.memory import Choice, Memory
from click99.segmentation.clicks import Click
from click99.segmentation.discriminant import Moments
from click99.segmentation.metrics import iou
from click99.segmentation.prior import Prior
from click99.sessions.refiner import Refiner

log = logging.getLogger(__name__)

AT_ONCE = 500  # masks that are looked for together
REST_SECONDS = 600.0  # until a mask whose picture could not be had is tried again


class Learner:
    """One thread's work.

    image: a picture by its address and task, LabelStudioError when it can't be had. pause: called before each
    mask, so that clicks come first; False: stop.
    """

    def __init__(
        self,
        database: Database,
        memories: Memories,
        image: Callable[[str, str], Image],
        pause: Callable[[], bool] = lambda: True,
    ):
        self._database, self._memories, self._image, self._pause = database, memories, image, pause
        self._resting: TTLCache[tuple[str, ...], bool, float] = TTLCache(100_000, REST_SECONDS)

    def catch_up(self, refiner: Refiner, projects: Sequence[str] | None = None) -> int:
        """Learn for this network from all masks that are due. How many. LabelStudioError never; the
        database's errors. projects: those that it answers; None: all."""
        with self._database.reading() as session:
            gone = stale(session, refiner.version)
        if gone:
            with self._database.writing() as session:
                drop(session, refiner.version, gone)
        return sum(self._try(refiner, mask) for mask in self._due(refiner.version, projects) if self._pause())

    def _due(self, version: str, projects: Sequence[str] | None) -> list[SavedMask]:
        with self._database.reading() as session:
            found = due(session, version, AT_ONCE + len(self._resting), projects)
            session.expunge_all()
        return [mask for mask in found if _key(mask) not in self._resting]

    def _try(self, refiner: Refiner, mask: SavedMask) -> bool:
        """Whether it was learnt from; one that can't be holds up no other."""
        try:
            self._learn(refiner, mask)
        except SQLAlchemyError:
            raise
        except Exception as error:
            self._resting[_key(mask)] = True
            expected = isinstance(error, LabelStudioError | OSError)
            told = "Nothing is learnt from region %.80r: %.300s"
            log.log(
                logging.INFO if expected else logging.ERROR,
                told,
                mask.region.id,
                error,
                exc_info=not expected,
            )
            return False
        return True

    def _learn(self, refiner: Refiner, mask: SavedMask) -> None:
        region = mask.region
        with self._database.reading() as session:
            truth = pixels(session.get_one(MaskRow, region.mask))
            rows = lessons_of(session, region.project, region.label, refiner.version)
            before = Memory.of([lesson for lesson in rows if lesson.task != mask.annotation.task])
        lesson = make_lesson(refiner, mask, self._picture(mask, truth.shape), truth, before)
        with self._database.writing() as session:
            keep(session, lesson)
        self._memories.refresh(refiner.version, [region.project])

    def _picture(self, mask: SavedMask, shape: tuple[int, ...]) -> Image:
        """The picture of a mask [H, W]; LabelStudioError when no address of its task leads to it."""
        error: LabelStudioError = ImageError("image", "the task names none", "Run click99 sync")
        for address in mask.images:
            try:
                image = self._image(address, mask.annotation.task or "")
                if image.pixels.shape[:2] == shape:
                    return image
                error = ImageError("image", f"not {shape[1]} × {shape[0]} as its mask", "It was replaced")
            except LabelStudioError as found:
                error = found
        raise error


def make_lesson(
    refiner: Refiner, mask: SavedMask, image: Image, truth: np.ndarray, before: Memory
) -> LessonRow:
    """truth: the mask's pixels, bool [H, W] as the image. before: what was known without its task."""
    network = refiner.for_image(image.pixels, image.key, mask.region.project)
    features = network.evidence(image.pixels, image.key)
    moments = None if features is None else Moments.of(features, truth)
    judged = judge(network, image, mask, truth, before)
    annotation, region = mask.annotation, mask.region
    return LessonRow(
        project=region.project,
        annotation=region.annotation,
        region=region.id,
        version=refiner.version,
        label=region.label,
        task=annotation.task,
        mask=region.mask,
        saved_at=annotation.updated_at or annotation.created_at or LONG_AGO,
        network=network.version,
        size=float(truth.sum()) / max(truth.shape) ** 2,
        moments=moments.pack() if moments else None,
        choice=before.choice,
        plain=judged.get("none"),
        with_size=judged.get("size"),
        with_map=judged.get("map"),
    )


def judge(
    network: Refiner, image: Image, mask: SavedMask, truth: np.ndarray, before: Memory
) -> dict[Choice, float]:
    """IoU of the person's own first click without memory and with what was known before, by choice.

    Nothing where nothing was known, or the object did not begin with a click.
    """
    first = mask.clicks[0] if mask.clicks else None
    if first is None or first.origin != "nothing" or not first.positive or not before.sizes:
        return {}
    if not (first.x < truth.shape[1] and first.y < truth.shape[0]):
        return {}
    click, shape = Click(first.x, first.y, True, first.click_id), (truth.shape[0], truth.shape[1])

    def answer(prior: Prior) -> float:
        return iou(network.judged(image.pixels, [click], None, image.key, prior).alpha > 0.5, truth)

    choices: list[Choice] = ["none", "size", *(["map"] if before.discriminant else [])]
    return {choice: answer(before.prior(shape, choice)) for choice in choices}


def _key(mask: SavedMask) -> tuple[str, ...]:
    return mask.region.project, mask.region.annotation, mask.region.id, mask.region.mask or ""

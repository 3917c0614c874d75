"""Refine or new: which object clicks mean, by what is on screen and what was answered last (in words:
docs/explanation/state.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from click99.labelstudio.project_settings import ProjectSettings
from click99.labelstudio.prompts import Box, Question
from click99.labelstudio.regions import Region, control_of, crop, drawn_regions, made_from, region_id
from click99.segmentation.clicks import Click
from click99.sessions.chosen_labels import ChosenLabels
from click99.sessions.corrections import Start
from click99.sessions.recent_answers import AnsweredRegion, RecentAnswers, counts, perhaps_accepted

SIZES = 20  # regions that tell of a new object's size
SELECTED_REACH = 5.0  # times as far as else a click reaches where a region is selected


@dataclass(frozen=True)
class ClickedObject:
    """What clicks are about. id: of the region that the answer replaces, or of a new one. start: the mask to
    start from; None: nothing. clicks: those that count from there, at least one. control, labels: as of a
    `Region`. earlier, begun: the clicks that made the mask to start from, and what those began from, as far
    as the region tells and nobody has drawn on it."""

    id: str
    start: Start | None
    clicks: Sequence[Click]
    control: str = ""
    labels: tuple[str, ...] = ()
    earlier: Sequence[Click] = ()
    begun: str | None = None


class ObjectFinder:
    """Finds the objects of clicks, and remembers for a while what was answered. Thread-safe as the store."""

    def __init__(self, answers: RecentAnswers, projects: ProjectSettings, labels: ChosenLabels):
        self._answers = answers
        self._projects = projects
        self._labels = labels

    def object_of(
        self, question: Question, kept: Sequence[Region], near: float, own_mask: Callable[[], np.ndarray]
    ) -> ClickedObject:
        """The object that the clicks are about; a box begins a new one.

        kept: as `kept` says. near: pixels, see `identify`. own_mask: asked for the mask of the first click,
        where that decides. Where a region is selected its annotator has decided: clicks around it are about
        it, or another one of its label, before any other that they do not lie in.
        """
        regions = [region for region in kept if not region.fixed]
        taken = question.screen.saved - {region.id for region in regions}  # by what is not about to change
        if question.box:
            new_id = _free(region_id(question.request.task.id, question.box.id), taken)
            return ClickedObject(new_id, None, question.clicks)
        new_id = self._own_id(question)
        for answer in self._unsaved(question):
            if counts(answer, question.clicks[0]):
                regions = [*others(regions, answer.region.id), _relabelled(answer.region, regions)]
            elif not answer.refines:  # whether it was accepted or rejected, the new one takes its place
                new_id = answer.region.id
        new_id, clicks, shape = _free(new_id, taken), question.clicks, question.shape
        if question.target.any_label and question.target.chosen:
            preferred = list(_preferred(regions, question))
            found = identify(clicks, preferred, new_id, SELECTED_REACH * near, shape, around=question.around)
            if found.start:
                return found
        return identify(clicks, regions, new_id, near, shape, own_mask, question.around)

    def on_screen(self, question: Question) -> Question:
        """The question without what others have submitted, and with the labels that were chosen last.

        A submitted annotation is everybody's only where one person annotates a task. Where several do, each
        on their own, it is not shown to the others, and must not be the start of their masks either, nor
        label them. Of several predictions the one of the project's model version is shown.
        """
        work, project = question.work, question.request.project
        submitted = work.kind == "annotation" and work.items
        hidden = submitted and self._projects.rules(project).several
        seen = replace(question, blank=bool(hidden))
        if work.kind == "prediction" and len(question.request.task.predictions) > 1:
            seen = replace(question, predicted_by=self._projects.rules(project).version)
        if not question.target.any_label:
            return seen
        last = self._labels.last(question.task, seen.screen.person or "", seen.shown_labels)
        return replace(seen, last_labels=last)

    def kept(self, question: Question) -> list[Region]:
        """The regions of the question's kind that Label Studio has saved of the canvas, the newest last."""
        return drawn_regions(question.work, question.targets, *question.shape)

    def unspent(self, question: Question, kept: Sequence[Region]) -> Question:
        """The question without clicks that another saved region was made from, which was locked, or labelled
        otherwise, while they stayed pending. kept: as `kept` says."""
        own = {region.id: region.clicks for region in kept if not region.fixed}
        elsewhere = (made_from(item) for item in question.work.items if item.get("id") not in own)
        spent = frozenset[Click]().union(*elsewhere).difference(*own.values())
        clicks = [click for click in question.clicks if click not in spent] or question.clicks[-1:]
        ids = frozenset(click.id for click in question.clicks if click in spent)
        return replace(question, clicks=clicks, spent=ids)

    def areas(self, question: Question, kept: Sequence[Region], before: str = "") -> tuple[int, ...]:
        """Pixels of the newest regions of the question's kind in its picture; kept: as `kept` says. before:
        of those only that were made before the region of that id."""
        unsaved = (answer.region for answer in self._unsaved(question))
        regions = {region.id: region for region in [*kept, *unsaved]}
        counted = takewhile(lambda region: region.id != before, regions.values())
        areas = (int(region.pixels.sum()) for region in counted)
        return tuple(area for area in areas if area)[-SIZES:]

    def remember(
        self,
        question: Question,
        found: ClickedObject,
        mask: np.ndarray,
        clicks: Sequence[Click],
        begun: str | None,
    ) -> Region:
        """Note an answer, which is this region. mask: bool [H, W]. clicks, begun: as of a `Region`."""
        control = control_of(question.target_of(found.control))
        labels = tuple(question.labels(found.labels, found.control))
        made = tuple(clicks)
        region = Region(found.id, *crop(mask), clicks=made, begun=begun, control=control, labels=labels)
        guessed = found.start is not None and any(a.region.id == found.id for a in self._unsaved(question))
        answer = AnsweredRegion(region, question.label, question.screen, found.start is not None, guessed)
        self._answers.remember(question.task, answer)
        if found.start is None and question.target.any_label:
            self._labels.answered(question.task, question.screen.person or "", region.id, labels)
        return region

    def _unsaved(self, question: Question) -> Iterator[AnsweredRegion]:
        """The answers that may be on screen although no draft holds them yet, the oldest first."""
        alone = self._answers.alone(question.task)
        for answer in self._answers.of(question.task):
            perhaps = _is_of(answer, question) and _is_shown(answer, question)
            if perhaps and perhaps_accepted(answer, question.screen, alone):
                yield answer

    def _own_id(self, question: Question) -> str:
        """The id of the region that these clicks make: the one they got before, else one of their own.

        One made from the task and the first click or its box, so that every answer replaces the one before.
        """
        for answer in self._answers.of(question.task):
            if not answer.refines and answer.screen.pending & question.screen.pending:
                return answer.region.id
        return region_id(question.request.task.id, (question.around or question.clicks[0]).id)


def _free(name: str, taken: Collection[str]) -> str:
    """An id made of that one, itself if it is not taken."""
    while name in taken:
        name = region_id("", name)
    return name


def _is_of(answer: AnsweredRegion, question: Question) -> bool:
    """Whether clicks of the question's kind may be about that region, as about one that is saved."""
    label = question.target_of(answer.region.control).label
    of_it = question.target.any_label or label in answer.region.labels or answer.label == question.label
    return of_it and answer.label.startswith(question.place) and answer.region.fits(*question.shape)


def _is_shown(answer: AnsweredRegion, question: Question) -> bool:
    """Whether there was something to accept: nothing is no new region, and no outline."""
    outlined = question.target_of(answer.region.control).kind == "polygonlabels"
    return answer.region.pixels.size > 0 or (answer.refines and not outlined)


def _preferred(regions: Iterable[Region], question: Question) -> Iterator[Region]:
    """Those that have the selected region's label, hold the first click, or were made from the clicks."""
    for region in regions:
        alike = {*question.target.chosen} & {*region.labels}
        own = question.screen.pending & {click.id for click in region.clicks}
        if alike or own or region.holds(question.clicks[0]):
            yield region


def others(regions: Iterable[Region], id: str) -> list[Region]:
    """All but the one of that id."""
    return [other for other in regions if other.id != id]


def _relabelled(region: Region, saved: Iterable[Region]) -> Region:
    """With the labels under which it is saved, if it is."""
    labels = [same.labels for same in saved if same.id == region.id]
    return replace(region, labels=labels[-1]) if labels else region


def beside(mask: np.ndarray, clicks: Sequence[Click], others: Sequence[Region]) -> np.ndarray:
    """A new object's mask, bool [H, W], without what belongs to other regions; cut in place.

    One that holds a positive click is left covered: the object lies on it, as a wheel on a car. Without such
    clicks (what is in a box) one that holds half of the mask is.
    """
    positive = [click for click in clicks if click.positive]
    half = int(mask.sum()) / 2 if others and not positive else 0.0
    for region in others:
        height, width = region.pixels.shape
        place = mask[region.top : region.top + height, region.left : region.left + width]
        lies_on = any(map(region.holds, positive)) if positive else (place & region.pixels).sum() > half
        if not lies_on:
            place &= ~region.pixels
    return mask


def identify(
    clicks: Sequence[Click],
    regions: Sequence[Region],
    new_id: str,
    near: float,
    shape: tuple[int, int],
    own_mask: Callable[[], np.ndarray] | None = None,
    around: Box | None = None,
) -> ClickedObject:
    """The object of these clicks.

    clicks: all that are pending, in order, at least one. regions: of their label and image, the newest last.
    new_id: of the region that these clicks would make. near: pixels. shape: the image's height and width.
    own_mask: see `meant`. around: the box that came with the clicks.

    A region that was accepted while its clicks or its box stayed is what they are about, wherever it lies. It
    holds those that were not moved since. A box that came with them begins an object, and they are about
    that, unless the first lies outside it in a region.
    """
    shown = [*([around.centre] if around else []), *clicks]
    ids = {click.id for click in shown}
    own = [region for region in regions if any(click.id in ids for click in region.clicks)]
    if around:
        regions = [region for region in regions if region.holds(clicks[0]) and not around.holds(clicks[0])]
    region = own[-1] if own else meant(clicks[0], regions, near, own_mask)
    if region is None:
        return ClickedObject(new_id, None, clicks)
    made, start = {*region.clicks}, Start(region.on_image(*shape), region.by_hand)
    new = [click for click in clicks if click not in made]
    moved = {click.id for click in made}.intersection(click.id for click in shown if click not in made)
    goes_on = new and region.by_hand is None and not moved
    earlier, begun = (region.clicks, region.begun) if goes_on else ((), None)
    clicks = new or clicks[-1:]
    return ClickedObject(region.id, start, clicks, region.control, region.labels, earlier, begun)


def meant(
    click: Click, regions: Sequence[Region], near: float, own_mask: Callable[[], np.ndarray] | None = None
) -> Region | None:
    """The region that an object's first click refines; None: it starts a new object.

    Of the regions that hold the click, the smallest: the one inside. Otherwise the nearest, of a negative
    click's at any distance (there is nothing else that it could correct), of a positive one's within `near`,
    if the mask of the click alone (`own_mask`, bool [H, W]) meets it: small objects may lie nearer to each
    other. Among equals the newest.
    """
    newest_first = list(reversed(regions))
    holding = [region for region in newest_first if region.holds(click)]
    if holding:
        return min(holding, key=lambda region: int(region.pixels.sum()))
    distance, nearest = _nearest(click, newest_first)
    reach = near if click.positive else np.inf
    if nearest is None or distance == np.inf or distance > reach:
        return None
    if click.positive and own_mask and not nearest.meets(own_mask()):
        return None
    return nearest


def _nearest(click: Click, regions: Sequence[Region]) -> tuple[float, Region | None]:
    """The first of the nearest regions, and how far it is; of a task's hundreds few are looked at closely."""
    best = np.inf, len(regions)
    for at_least, place in sorted((region.at_least(click), k) for k, region in enumerate(regions)):
        if at_least > best[0]:
            break
        best = min(best, (regions[place].distance(click), place))
    distance, place = best
    return float(distance), regions[place] if place < len(regions) else None

"""What a request asks: the clicks or the box on one object, on its image, and where the answer goes."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from click99.labelstudio.controls import Target
from click99.labelstudio.errors import PayloadError
from click99.labelstudio.images import Image, ImageSource
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.loose_values import name_of, names_of
from click99.labelstudio.payloads import PROMPTS, ContextItem, PredictRequest, Work
from click99.labelstudio.regions import control_of, is_of
from click99.segmentation.clicks import Click

MARGIN = 1.0  # percent outside the image that still counts as its border
EXACT = 1e-6  # pixels: a percentage made of whole pixels is them again
REPLACED = "Reload the task: the image was replaced"
TURNED = f"Send sizes and places of the image as its EXIF orientation turns it. {REPLACED}, if it has none"


@dataclass(frozen=True)
class Box:
    """Drawn around an object, in image pixels, ends excluded; not empty. id: as a click's."""

    left: int
    top: int
    right: int
    bottom: int
    id: str = ""

    @property
    def ends(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.right, self.bottom

    @property
    def name(self) -> str:
        """The same for the same place only."""
        return f"box {self.left} {self.top} {self.right} {self.bottom}"

    @classmethod
    def named(cls, name: str, id: str) -> Box | None:
        """The one of that name; None: it is no box's."""
        sides = re.fullmatch(r"box (\d{1,9}) (\d{1,9}) (\d{1,9}) (\d{1,9})", name, re.ASCII)
        left, top, right, bottom = map(int, sides.groups()) if sides else (0, 0, 0, 0)
        return cls(left, top, right, bottom, id) if left < right and top < bottom else None

    def holds(self, click: Click) -> bool:
        return self.left <= click.x < self.right and self.top <= click.y < self.bottom

    @property
    def centre(self) -> Click:
        """The click in its middle, under its id."""
        return Click((self.left + self.right - 1) // 2, (self.top + self.bottom - 1) // 2, True, self.id)


class Prompt(NamedTuple):
    """The clicks on one object, in order, each id once; or one box. places: theirs in
    params.context.result. around: the place of a box that came before the clicks, with them; Label Studio
    sends it alone, other programs together."""

    items: list[ContextItem]
    places: list[int]
    around: tuple[int, ContextItem] | None = None

    @property
    def is_box(self) -> bool:
        return self.items[-1].is_box

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the image that it was made on; None where it does not tell."""
        height, width = self.items[-1].original_height, self.items[-1].original_width
        return None if height is None or width is None else (height, width)

    def targets(self, config: LabelConfig) -> list[Target]:
        """Where the answer may go, a new object's first; LabelConfigError when the config has no control for
        it."""
        last, selected = self.items[-1], self.items[0].selected
        found = config.targets(last.from_name, last.label, last.labels[1:], selected, last.to_name)
        return [_labelled_by(replace(target, item_index=last.item_index)) for target in found]

    def clicks(self, height: int, width: int) -> list[Click]:
        """On an image [height, width]; PayloadError when outside it or made on another size."""
        fields = [f"params.context.result[{place}]" for place in self.places]
        return [_click(*item, height, width) for item in zip(fields, self.items, strict=True)]

    def box(self, height: int, width: int) -> Box:
        """The upright box around it, cut to the image [height, width]; PayloadError when it misses that."""
        place, item = self.around or (self.places[-1], self.items[-1])
        value = item.value
        x, y = (value.x or 0.0) * width / 100, (value.y or 0.0) * height / 100
        across, down = (value.width or 0.0) * width / 100, (value.height or 0.0) * height / 100
        angle = math.radians(value.rotation or 0.0)
        cos, sin = math.cos(angle), math.sin(angle)
        corners = np.array([(0, 0), (across, 0), (0, down), (across, down)]) @ [(cos, sin), (-sin, cos)]
        corners += np.array([x, y])
        left, top = np.maximum(np.floor(corners.min(axis=0) + 1e-6), 0).astype(int)
        right, bottom = np.minimum(np.ceil(corners.max(axis=0) - 1e-6), (width, height)).astype(int)
        if right <= left or bottom <= top:
            field = f"params.context.result[{place}].value"
            raise PayloadError(field, "a box of no pixels of the image", "Draw it around the object")
        return Box(int(left), int(top), int(right), int(bottom), item.id)


@dataclass(frozen=True)
class Screen:
    """What a request tells of the canvas that it comes from.

    pending: the ids of its clicks, and of a box that came with them. saved: the ids of all that the newest
    draft holds; draft: that draft's version, None: there is none. person: whose drafts these are, None:
    unknown.
    """

    pending: frozenset[str]
    saved: frozenset[str]
    draft: str | None
    person: str | None


@dataclass(frozen=True, eq=False)
class Question:
    """A request's prompt on its image.

    image_url: as it stands in the task. clicks: of a box, its centre. asked: when it came, by
    `time.perf_counter`. targets: see `Prompt.targets`. around: see `Prompt`. blank: what others submitted,
    the newest there is, is not on the canvas. predicted_by: the model version whose prediction is. spent: the
    ids of further pending clicks, which another saved region was made from. last_labels: those that were
    chosen last.
    """

    request: PredictRequest
    targets: Sequence[Target]
    image_url: str
    image: Image
    clicks: Sequence[Click]
    box: Box | None
    asked: float
    around: Box | None = None
    blank: bool = False
    predicted_by: str = ""
    spent: frozenset[str] = frozenset()
    last_labels: Sequence[str] = ()

    @classmethod
    def read(cls, request: PredictRequest, images: ImageSource) -> Question:
        """LabelStudioError when the request, its label config or its image is wrong."""
        asked = time.perf_counter()
        prompt, targets, url = read_subject(request)
        image = images.get(url, request.task.id, prompt.size)
        size = image.pixels.shape[:2]
        box = prompt.box(*size) if prompt.is_box else None
        clicks = [box.centre] if box else prompt.clicks(*size)
        around = prompt.box(*size) if prompt.around else None
        return cls(request, targets, url, image, clicks, box, asked, around)

    @property
    def shape(self) -> tuple[int, int]:
        """The image's height and width."""
        height, width, _ = self.image.pixels.shape
        return height, width

    @property
    def task(self) -> str:
        return self.request.task_name

    @property
    def key(self) -> str:
        """The same for all requests about an object, as long as its first click stays."""
        return f"{self.task} {self.clicks[0].id}"

    @property
    def target(self) -> Target:
        """Of a new object."""
        return self.targets[0]

    def target_of(self, control: str) -> Target:
        """Of a region that this control draws; of a new one: "" """
        return next((target for target in self.targets if control_of(target) == control), self.target)

    @property
    def label(self) -> str:
        """With its controls and picture; only these where the prompt may be about any label's region."""
        return self.place + ("" if self.target.any_label else self.target.label)

    @property
    def place(self) -> str:
        """What `label` begins with: its controls and picture."""
        controls = " ".join(sorted({target.from_name for target in self.targets}))
        return f"{controls} {self.target.to_name} {self.target.item_index} "

    def labels(self, own: Sequence[str] = (), control: str = "") -> list[str]:
        """Of the answer: its region's own; else the prompt's. control: of that region.

        A prompt without a label has that of the selected region, else the one chosen last, as far as the
        control has it, else the newest region's.
        """
        target = self.target_of(control)
        alike = target is self.target and target.any_label
        newest = [self.last_labels, *reversed(self.shown_labels.values())] if alike else []
        found = [[*own], [*target.chosen], *map(target.known, newest)]
        return next(filter(None, found), [target.label, *target.more])

    @property
    def shown_labels(self) -> dict[str, list[str]]:
        """Of the regions where a new object goes, by their ids, the newest last."""
        target = self.target
        items = (item for item in self.work.items if is_of(item, target))
        return {name_of(item.get("id")): names_of(item["value"].get(target.type)) for item in items}

    @cached_property
    def work(self) -> Work:
        return Work() if self.blank else self.request.task.open_work(self._pending, self.predicted_by)

    @property
    def _pending(self) -> frozenset[str]:
        around = {self.around.id} if self.around else set()
        return self.spent | around | {click.id for click in self.clicks}

    @cached_property
    def screen(self) -> Screen:
        work = self.work
        return Screen(
            pending=self._pending,
            saved=frozenset(item["id"] for item in work.items if item.get("id")),
            draft=f"{work.id} {work.updated_at}" if work.is_draft else None,
            person=work.user or None,
        )


def read_subject(request: PredictRequest) -> tuple[Prompt, list[Target], str]:
    """The prompt, where its answer may go, and the image's address. LabelStudioError: see
    `Question.read`."""
    prompt = read_prompt(request.context.result if request.context else [])
    config = LabelConfig.parse(request.label_config, request.task.data)
    targets = prompt.targets(config)
    return prompt, targets, config.image_url(request.task.data, targets[0].to_name, targets[0].item_index)


def _labelled_by(target: Target) -> Target:
    """Where a Labels control labels clicks, too, they are about regions of the chosen label only."""
    if not (target.drawn_by and target.chosen):
        return target
    return replace(
        target, label=target.chosen[0], more=target.chosen[1:], any_label=False, chosen=(), called=None
    )


def read_prompt(items: Sequence[ContextItem]) -> Prompt:
    """The box or the clicks that came last; PayloadError when there is none, or it has no label.

    items: params.context.result. Clicks on one object share control, label and picture. A box whose corner is
    a click's very place is that click, sent twice.
    """
    clicked = {item.place for item in items if item.is_click}
    if items and items[-1].is_box and items[-1].place not in clicked:
        if items[-1].is_positive is False:
            field = f"params.context.result[{len(items) - 1}].is_positive"
            raise PayloadError(field, "a box around background", "Click on the background instead")
        return Prompt([_labelled(items[-1], len(items) - 1)], [len(items) - 1])
    clicks = [(place, item) for place, item in enumerate(items) if item.is_click]
    if not clicks:
        raise _no_clicks(items)
    place, item = clicks[-1]
    last = _labelled(item, place)
    group = {item.id: (place, item) for place, item in clicks if item.object == last.object}
    places, members = zip(*group.values(), strict=True)
    before = [(at, box) for at, box in enumerate(items[: places[0]]) if box.place not in clicked]
    drawn = [(at, box) for at, box in before if _is_around(box, last)]
    return Prompt(list(members), list(places), drawn[-1] if drawn else None)


def _is_around(box: ContextItem, click: ContextItem) -> bool:
    """Whether a box that came before a click is about its object: of its picture and label."""
    labels = {box.label or click.label, click.label or box.label}
    return (
        box.is_box
        and box.is_positive is not False
        and box.item_index == click.item_index
        and len(labels) == 1
    )


def _labelled(item: ContextItem, place: int) -> ContextItem:
    if item.label is None and item.needs_label:
        field = f"params.context.result[{place}].value.{item.type}"
        what, deed = ("box", "drawing") if item.is_box else ("click", "clicking")
        raise PayloadError(field, f"a {what} without a label", f"Choose a label before {deed}")
    return item


def _no_clicks(items: Sequence[ContextItem]) -> PayloadError:
    if not items:
        return PayloadError("params.context.result", "no clicks", "Click on the object")
    if items[-1].type in PROMPTS:
        field = f"params.context.result[{len(items) - 1}].value"
        return PayloadError(field, "no x and y", "Send it as Label Studio does")
    problem = f"no clicks, only {items[-1].type!r}"
    remedy = 'Set smart="true" on KeyPoint and Rectangle controls only, with or without labels'
    return PayloadError("params.context.result", problem, remedy)


def _click(field: str, item: ContextItem, height: int, width: int) -> Click:
    for name, told, actual in (
        ("original_width", item.original_width, width),
        ("original_height", item.original_height, height),
    ):
        if told not in (None, actual):
            problem = f"{told}, but the image is {width} × {height}"
            turned = (item.original_width, item.original_height) == (height, width)
            raise PayloadError(f"{field}.{name}", problem, TURNED if turned else REPLACED)
    x, y = _pixel(f"{field}.value.x", item.value.x, width), _pixel(f"{field}.value.y", item.value.y, height)
    return Click(x, y, item.is_positive is not False, item.id)


def _pixel(field: str, percent: float | None, size: int) -> int:
    if percent is None or not -MARGIN <= percent <= 100 + MARGIN:
        raise PayloadError(field, f"{percent} % is outside the image", "Click inside it (0 to 100)")
    return min(max(int(percent * size / 100 + EXACT), 0), size - 1)

"""The regions that an annotator has on screen, read back from the task that comes with every click.

Label Studio sends a click without the region that it is meant for. What was accepted, drawn or erased before
is only in the task: in the newest draft (saved up to five seconds late), else in the submitted annotation.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import cv2
import numpy as np
from cachetools import cached
from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from click99.budget import Kept
from click99.labelstudio.controls import TOOLS, Target
from click99.labelstudio.errors import BitmaskError, BrushError
from click99.labelstudio.loose_values import Name, Size, Which, name_of, names_of, objects
from click99.labelstudio.payloads import Work
from click99.labelstudio.region_types import FOREGROUND, OF_ANY, Kind, content, held_as, read
from click99.labelstudio.strokes import Stroke, draw, touched
from click99.segmentation.clicks import Click

log = logging.getLogger(__name__)

NAMELESS = (
    "A region of %s has no id: Label Studio makes one in the browser, and tells it with the first draft. "
    "Until then a click on it begins a second region. Import results with ids"
)
CLICKS = TypeAdapter(list[tuple[str, int, int, bool]])
WHICH: TypeAdapter[int | None] = TypeAdapter(Which)


@dataclass(frozen=True, eq=False)
class Region:
    """What the annotator sees under an id.

    pixels: bool [h, w], its mask with all strokes, cut to where it is not empty; the corner lies at
    (left, top). by_hand: bool [H, W], the pixels that strokes not saved yet went over, or None.
    clicks: those that it was made from, in order, as far as it tells. begun: what they began from: nothing
    (""), a `Start` by its name, or that is not told (None). control: what draws it (`control_of`); "": what
    draws new ones. fixed: nobody may change it, so no click is about it. labels: its own, as far as they are
    known.
    """

    id: str
    top: int
    left: int
    pixels: np.ndarray
    by_hand: np.ndarray | None = None
    clicks: tuple[Click, ...] = ()
    begun: str | None = None
    control: str = ""
    fixed: bool = False
    labels: tuple[str, ...] = ()

    def holds(self, click: Click) -> bool:
        """Whether the clicked pixel belongs to it."""
        height, width = self.pixels.shape
        row, column = click.y - self.top, click.x - self.left
        return 0 <= row < height and 0 <= column < width and bool(self.pixels[row, column])

    def distance(self, click: Click) -> float:
        """Pixels from the click to its nearest pixel; infinite when it is empty."""
        rows, columns = np.nonzero(self.pixels)
        if not len(rows):
            return np.inf
        return float(np.hypot(rows + self.top - click.y, columns + self.left - click.x).min())

    def at_least(self, click: Click) -> float:
        """What `distance` is at least, in no time: that to the section which holds the mask."""
        height, width = self.pixels.shape
        row, column = click.y - self.top, click.x - self.left
        return float(np.hypot(max(-row, row - height + 1, 0), max(-column, column - width + 1, 0)))

    def meets(self, mask: np.ndarray) -> bool:
        """Whether it overlaps or touches the mask, bool [H, W]."""
        around = cv2.dilate(np.pad(self.pixels, 1).view(np.uint8), np.ones((3, 3), np.uint8))
        height, width = around.shape
        there = np.pad(mask, 1)[self.top : self.top + height, self.left : self.left + width]
        return bool(there[around > 0].any())

    def fits(self, height: int, width: int) -> bool:
        """Whether it lies on an image [height, width]."""
        rows, columns = self.pixels.shape
        return self.top + rows <= height and self.left + columns <= width

    def on_image(self, height: int, width: int) -> np.ndarray:
        """Its mask: bool [height, width]."""
        mask = np.zeros((height, width), bool)
        rows, columns = self.pixels.shape
        mask[self.top : self.top + rows, self.left : self.left + columns] = self.pixels
        return mask


class _Value(BaseModel):
    """What was painted on a region since its mask was saved."""

    touches: Annotated[list[Stroke], BeforeValidator(objects)] = []
    magic_wand: str | None = Field(default=None, alias="maskDataURL")


class _Item(BaseModel):
    id: Name
    original_width: Size = None
    original_height: Size = None
    value: _Value


def drawn_regions(work: Work, targets: Sequence[Target], height: int, width: int) -> list[Region]:
    """The regions of the targets' controls and labels on their image [height, width], in the order of their
    making.

    One that cannot be read is left out, with a warning: a click beside it must still be answered.
    """
    return list(_readable(work, targets, height, width))


def control_of(target: Target) -> str:
    """That draws its regions: no other target of a label config has the same."""
    return target.drawn_by or target.from_name


def region_id(task: int | str, first_click: str) -> str:
    """The id of the region that a task's clicks make, the same for as long as the first one stays."""
    return hashlib.sha256(f"{task} {first_click}".encode()).hexdigest()[:12]


def with_clicks(meta: Any, clicks: Iterable[Click], begun: str | None = None) -> dict[str, Any]:
    """A region's `meta` with the clicks that it is made from, what these began from (see `Region`), and what
    people have noted there before.

    Label Studio keeps it in drafts, annotations and exports, and shows people only its text. So whoever reads
    a region knows which clicks are part of it: after a restart, too, or on another server.
    """
    noted = [[*each] for each in noted_clicks(clicks)]
    before = dict(meta) if isinstance(meta, Mapping) else {}
    before.pop("begun", None)
    return {**before, "clicks": noted} | ({} if begun is None else {"begun": begun})


def noted_clicks(clicks: Iterable[Click]) -> list[tuple[str, int, int, bool]]:
    """Each as [id, x, y, positive], which JSON can hold; `clicks_of` reads them back."""
    return [(click.id, click.x, click.y, click.positive) for click in clicks]


def clicks_of(noted: Iterable[tuple[str, int, int, bool]]) -> tuple[Click, ...]:
    """What `noted_clicks` has noted."""
    return tuple(Click(x, y, positive, name) for name, x, y, positive in noted)


def made_from(item: Mapping[str, Any]) -> tuple[Click, ...]:
    """The clicks that a region, as it is saved, was made from; none for one that is not click99's."""
    try:
        noted = CLICKS.validate_python(item["meta"]["clicks"])
    except (ValidationError, KeyError, TypeError):
        return ()
    return clicks_of(noted)


def begun_from(item: Mapping[str, Any]) -> str | None:
    """What these clicks began from: see `Region`."""
    meta = item.get("meta")
    begun = meta.get("begun") if isinstance(meta, Mapping) else None
    return begun if isinstance(begun, str) else None


def _readable(work: Work, targets: Sequence[Target], height: int, width: int) -> Iterator[Region]:
    labelled = {item.get("id") for item in work.items if item.get("type") == OF_ANY}
    fixed = {item.get("id") for item in work.items if is_fixed(item)}
    for raw in work.items:
        target = next((target for target in targets if is_of(raw, target)), None)
        if target and not name_of(raw.get("id")):
            log.warning(NAMELESS, work.name)
        elif target and (raw["type"] == target.type or raw.get("id") not in labelled):
            try:
                yield _region(raw, target, height, width, raw.get("id") in fixed)
            except (ValidationError, BrushError, BitmaskError) as error:
                reason = str(error).replace("\n", " ")[:200]
                log.warning("Region %.40r of %s is not read: %s", raw.get("id"), work.name, reason)


def is_of(raw: Mapping[str, Any], target: Target) -> bool:
    """Whether this is a region of that control and label on that picture.

    What a tool has drawn without a label of its Labels control is one, too, where any label's regions count.
    """
    value = raw.get("value")
    bare = target.any_label and bool(target.drawn_by) and raw.get("type") == TOOLS[target.kind]
    if not (bare or raw.get("type") == target.type) or not isinstance(value, Mapping):
        return False
    names = name_of(raw.get("from_name")), name_of(raw.get("to_name"))
    labels, told = value.get(target.type), names_of(value.get(target.type))
    return (
        names == (target.drawn_by if bare else target.from_name, target.to_name)
        and (target.label in told or target.called in told or (target.any_label and _may_label(labels)))
        and _which(raw.get("item_index")) == (target.item_index or 0)
        and (bare or held_as(target.type, value) in (None, target.kind))
    )


def _may_label(labels: Any) -> bool:
    """What an import left there: none, one or many."""
    return labels is None or isinstance(labels, list | str)


def _which(item_index: Any) -> int | None:
    """Of a tag's pictures: the first where it is not told; None: it is no number."""
    try:
        return WHICH.validate_python(item_index) or 0
    except ValidationError:
        return None


def is_fixed(raw: Mapping[str, Any]) -> bool:
    """Whether Label Studio lets nobody change the region of this result."""
    return any(str(raw.get(lock)).lower() in ("true", "1", "1.0") for lock in ("readonly", "locked"))


def _region(raw: Mapping[str, Any], target: Target, height: int, width: int, fixed: bool) -> Region:
    item, kind = _Item.model_validate(raw), target.kind
    if item.original_height not in (None, height) or item.original_width not in (None, width):
        made_for = f"made for {item.original_width} × {item.original_height}, the image is {width} × {height}"
        raise BrushError("original_width", made_for, "Reload the task: the image was replaced")
    if wand := item.value.magic_wand:  # a region of that tool holds nothing else until it is submitted
        kind, made_of = "bitmasklabels", wand.encode()
    else:
        made_of = content(kind, raw["value"])
    shown = _shown(kind, made_of, item.value.touches, height, width)
    labels = tuple(names_of(raw["value"].get(target.type)))
    return Region(item.id, *shown, made_from(raw), begun_from(raw), control_of(target), fixed, labels)


class _Pixels(NamedTuple):
    """See `Region`."""

    top: int
    left: int
    pixels: np.ndarray
    by_hand: np.ndarray | None

    @property
    def size(self) -> int:
        return 200 + self.pixels.nbytes + (0 if self.by_hand is None else self.by_hand.nbytes)


def _key(kind: Kind, made_of: bytes, strokes: Sequence[Stroke], height: int, width: int) -> bytes:
    parts = [f"{kind} {height} {width} {len(made_of)} ".encode(), made_of]
    return hashlib.sha256(b"".join(parts + [s.model_dump_json().encode() for s in strokes])).digest()


# A task's masks come with every click on it.
decoded: Kept[bytes, _Pixels] = Kept(2**27, lambda shown: shown.size)


@cached(decoded, _key, threading.Lock())
def _shown(kind: Kind, made_of: bytes, strokes: Sequence[Stroke], height: int, width: int) -> _Pixels:
    """A saved mask with the strokes on it."""
    mask = read(kind, made_of, height, width)
    if not strokes:
        return _Pixels(*crop(mask), None)
    by_hand = touched(strokes, height, width)
    by_hand.setflags(write=False)
    return _Pixels(*crop(draw(mask * np.uint8(255), strokes) > FOREGROUND), by_hand)


def crop(mask: np.ndarray) -> tuple[int, int, np.ndarray]:
    """bool [H, W] -> top, left and the part that is not empty (0 × 0 when all is)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, np.zeros((0, 0), bool)
    pixels = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    pixels.setflags(write=False)
    return int(rows[0]), int(columns[0]), pixels

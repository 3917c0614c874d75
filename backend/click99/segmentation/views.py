"""How the network looks at an image: which part, at what size, where the clicks fall, and what they demand.

`WindowsView` is compact's: several windows around the first click, later mask and clicks with a margin.
`ZoomView` is that of compact's checkpoints before it: the whole image at the first click.
`WholeView` is that of the paper's authors' public inference code: always all of the image.
Every step is a pure function of its arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np

from click99.segmentation.click_maps import PlacedClick
from click99.segmentation.clicks import DISC, Click, disc_offsets

STRIDE = 32  # the network's sizes are multiples of it
DISC_OFFSETS = disc_offsets(DISC)


@dataclass(frozen=True)
class Section:
    """A part of an image: columns left…right, rows top…bottom, ends excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> tuple[slice, slice]:
        return np.s_[self.top : self.bottom, self.left : self.right]

    @property
    def shape(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left


@dataclass(frozen=True)
class Look:
    """A part of the image and the network's (height, width) for it.

    anew: without the previous mask, which the answer then takes the place of. hurdle: IoU that the network
    must expect more of it than of the first look. enough: expected IoU with which no further look is taken.
    """

    section: Section
    size: tuple[int, int]
    anew: bool = False
    hurdle: float = 0.0
    enough: float = 1.0


class View(Protocol):
    """What the predictor asks of a view. Sizes are (height, width)."""

    def looks(self, previous: np.ndarray, clicks: Sequence[Click]) -> list[Look]:
        """The looks that answer a click, at least one; no clicks: what can be prepared before the first."""
        ...

    def choose(self, looks: Sequence[Look], qualities: Sequence[float]) -> int:
        """Which of several looks' answers is taken, by the IoU that the network expects of each."""
        ...

    def before(self, previous: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
        """The previous mask as it is fed back: float32 [H, W]."""
        ...

    def resize(self, pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """A part of the image, 0…255 [h, w, 3], or of the previous mask [h, w], at the network's size."""
        ...

    def place(self, clicks: Sequence[Click], section: Section, size: tuple[int, int]) -> list[PlacedClick]:
        """Clicks in network pixels."""
        ...

    def restore(self, alpha: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The network's alpha [h, w] at the part's own size."""
        ...

    def obey(self, alpha: np.ndarray, clicks: Sequence[Click], previous: np.ndarray) -> np.ndarray:
        """The alpha of the image with what the clicks demand; may write to `alpha`."""
        ...


@dataclass(frozen=True)
class ZoomView:
    """The whole image until there is a mask, then the mask and the clicks. Sides in network pixels."""

    first_side: int = 384  # long side of the whole image at the first click
    side: int = 448  # long side of the zoomed part at later clicks
    margin: float = 0.2  # around the mask and the clicks, of the section's own size
    grid: int = 16  # steps along the image's long side that the section snaps to, so that features are reused

    def looks(self, previous: np.ndarray, clicks: Sequence[Click]) -> list[Look]:
        return [self.first_look(previous, _reach(previous) if clicks else None, clicks)]

    def first_look(self, previous: np.ndarray, reach: Section | None, clicks: Sequence[Click]) -> Look:
        """reach: of the mask that was begun."""
        section = self.focus(previous.shape, reach, clicks) if reach else whole(previous)
        return Look(section, network_size(*section.shape, self.side if reach else self.first_side))

    def choose(self, looks: Sequence[Look], qualities: Sequence[float]) -> int:
        return 0

    def focus(self, shape: tuple[int, ...], reach: Section, clicks: Sequence[Click]) -> Section:
        """The section of the mask and all clicks with a margin, snapped outwards to a coarse grid."""
        height, width = shape
        step = self.step(shape, max(reach.shape))
        left, right = _span([reach.left, reach.right - 1, *(c.x for c in clicks)], width, step, self.margin)
        top, bottom = _span([reach.top, reach.bottom - 1, *(c.y for c in clicks)], height, step, self.margin)
        return Section(left, top, right, bottom)

    def step(self, shape: tuple[int, ...], extent: int) -> float:
        """Pixels between the places that the section of a mask so large snaps to."""
        return max(1.0, max(shape) / self.grid)

    def before(self, previous: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
        return previous

    def resize(self, pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        return scale(pixels, size, cv2.INTER_LINEAR)

    def place(self, clicks: Sequence[Click], section: Section, size: tuple[int, int]) -> list[PlacedClick]:
        (rows, columns), (height, width) = section.shape, size
        sx, sy = width / columns, height / rows
        left, top = section.left, section.top
        return [((c.x + 0.5 - left) * sx - 0.5, (c.y + 0.5 - top) * sy - 0.5, c.positive) for c in clicks]

    def restore(self, alpha: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        return scale(alpha, size, cv2.INTER_LINEAR)

    def obey(self, alpha: np.ndarray, clicks: Sequence[Click], previous: np.ndarray) -> np.ndarray:
        """Clicks get their sign, 3 px around; new parts that no positive click asked for go.

        The authors' inference code drops every part without a positive click. Here a part that was there
        before stays: a click that splits the mask in two must not cost the half that it did not fall into.
        """
        alpha = force(force_discs(alpha, clicks), clicks)
        parts = Parts.of(alpha)
        wanted = np.zeros(parts.count, bool)
        wanted[0] = True  # what is no part
        wanted[[parts.at(click) for click in clicks if click.positive]] = True
        if not wanted.all():
            before, inside = previous[parts.reach.area], alpha[parts.reach.area]
            doubtful = ~wanted[parts.numbers]
            numbers = parts.numbers[doubtful]
            wanted[numbers[before[doubtful] > 0.5]] = True
            inside[doubtful] = np.where(wanted[numbers], inside[doubtful], 0)
        return alpha


@dataclass(frozen=True)
class WindowsView(ZoomView):
    """Looks that do not depend on what else is in the picture.

    At the first click: the whole image, and squares around the click, each half as large as the last, until
    the network is content. Later:
    the mask and the clicks, close by on a finer grid than ZoomView; where the clicks lie close together in a
    mask that reaches far beyond them, the squares again, for what the mask should have been. The mask may be
    a person's, so it has to look bad: the network must expect far more of a square.
    """

    window_side: int = 192  # network pixels of a square
    smallest: int = 64  # image pixels of a square
    surer: float = 0.03  # IoU that the network must expect more of a square than of a larger one
    surer_than_whole: float = 0.1  # the same, than of the whole image
    surer_than_mask: float = 0.3  # the same, where the square would take the place of a mask
    enough: float = 0.8  # IoU that the network must expect for smaller looks to be left out
    beyond: float = 4.0  # extents of mask and clicks over the clicks' own from which squares are tried, too

    def looks(self, previous: np.ndarray, clicks: Sequence[Click]) -> list[Look]:
        reach = _reach(previous) if clicks else None
        first = self.first_look(previous, reach, clicks)
        if not clicks:
            return [first]
        if reach and not self.asks_anew(clicks, max(first.section.shape)):
            return [first]
        squares = self.squares(previous.shape, clicks, max(first.section.shape))
        hurdle = self.surer_than_mask if reach else self.surer_than_whole
        return [replace(look, hurdle=hurdle, enough=self.enough) for look in (first, *squares)]

    def asks_anew(self, clicks: Sequence[Click], reach: int) -> bool:
        """Whether clicks of both signs, the last one negative, lie close together in a mask of that reach."""
        negative_last = not clicks[-1].positive and any(click.positive for click in clicks)
        return negative_last and reach >= self.beyond * max(_extents(clicks))

    def squares(self, shape: tuple[int, ...], clicks: Sequence[Click], largest: int) -> list[Look]:
        """Squares that hold all clicks, each half as large as the last, all smaller than `largest` pixels."""
        needed = max(self.smallest, 1.5 * max(_extents(clicks)))
        halvings = int(np.log2(max(1.0, largest / needed)))
        sides = (round(largest / 2**k) for k in range(1, halvings + 1))
        sections = [_around(clicks, side, shape) for side in sides]
        sizes = [network_size(*section.shape, self.window_side) for section in sections]
        return [Look(*look, anew=True) for look in zip(sections, sizes, strict=True)]

    def choose(self, looks: Sequence[Look], qualities: Sequence[float]) -> int:
        """The best one, but a smaller one only where the network is surely more content with it."""
        best = 0
        for k, quality in enumerate(qualities):
            hurdle = self.surer if best else looks[k].hurdle
            best = k if quality > qualities[best] + hurdle else best
        return best

    def step(self, shape: tuple[int, ...], extent: int) -> float:
        """An eighth to a sixteenth of the mask, never coarser than ZoomView's."""
        return min(super().step(shape, extent), max(1.0, 2.0 ** np.floor(np.log2(extent / 8))))


@dataclass(frozen=True)
class WholeView:
    """All of the image, stretched up to multiples of 32; the authors' inference code.

    Theirs has no limit; ours keeps a photograph of many megapixels from needing more memory than there is.
    """

    limit: int = 1024  # network pixels: a longer image is scaled down to it

    def looks(self, previous: np.ndarray, clicks: Sequence[Click]) -> list[Look]:
        factor = min(1.0, self.limit / max(previous.shape))
        height, width = (STRIDE * int(np.ceil(side * factor / STRIDE)) for side in previous.shape)
        return [Look(whole(previous), (height, width))]

    def choose(self, looks: Sequence[Look], qualities: Sequence[float]) -> int:
        return 0

    def before(self, previous: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
        return keep_asked(previous.copy(), clicks)

    def resize(self, pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        return scale(pixels.astype(np.float32), size, cv2.INTER_LANCZOS4)

    def place(self, clicks: Sequence[Click], section: Section, size: tuple[int, int]) -> list[PlacedClick]:
        """A click becomes every network pixel whose nearest image pixel it is: one, two or four as a rule."""
        (rows, columns), (height, width) = section.shape, size
        return [
            (float(x), float(y), click.positive)
            for click in clicks
            for x in _nearest(click.x, columns, width)
            for y in _nearest(click.y, rows, height)
        ]

    def restore(self, alpha: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Bilinear: their call names Lanczos, but in the place of another argument, so it is never used."""
        return scale(alpha, size, cv2.INTER_LINEAR, cv2.INTER_LINEAR)

    def obey(self, alpha: np.ndarray, clicks: Sequence[Click], previous: np.ndarray) -> np.ndarray:
        return keep_asked(force(alpha, clicks), clicks)


VIEWS: dict[str, type[ZoomView] | type[WholeView]] = {  # by their names in checkpoints
    "windows": WindowsView,
    "zoomed": ZoomView,
    "whole": WholeView,
}


def view_of(name: str, among: bool) -> View:
    """among: whether the quality head knows which look it judges; then the whole image needs no lead."""
    if name == "windows" and among:
        return WindowsView(surer_than_whole=WindowsView.surer)
    return VIEWS[name]()


def whole(pixels: np.ndarray) -> Section:
    return Section(0, 0, pixels.shape[1], pixels.shape[0])


def through(look: Look, small: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A look's part of what a coarse grid, float32 [h, w], says of an image [H, W]: [*look.size]."""
    section, (height, width) = look.section, look.size
    down, across = (few / many for few, many in zip(small.shape, shape, strict=False))
    sx, sy = across * section.shape[1] / width, down * section.shape[0] / height
    left, top = across * section.left + (sx - 1) / 2, down * section.top + (sy - 1) / 2
    to_grid = np.array(((sx, 0, left), (0, sy, top)))
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(small, to_grid, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)


def _reach(alpha: np.ndarray) -> Section | None:
    """The section of all that is above half; None: nothing is."""
    left, top, width, height = cv2.boundingRect((alpha > 0.5).view(np.uint8))
    return Section(left, top, left + width, top + height) if width else None


def network_size(height: int, width: int, long_side: int) -> tuple[int, int]:
    """Height and width, multiples of 32, of about the same shape with the long side as asked."""
    factor = long_side / max(height, width)
    rows, columns = (max(STRIDE, round(side * factor / STRIDE) * STRIDE) for side in (height, width))
    return rows, columns


def scale(
    pixels: np.ndarray, size: tuple[int, int], enlarging: int, shrinking: int = cv2.INTER_AREA
) -> np.ndarray:
    """Resized by one OpenCV interpolation or the other: [h, w] or [h, w, 3] → [*size(, 3)]."""
    if pixels.shape[:2] == size:
        return pixels
    shrinks = size[0] * size[1] < pixels.shape[0] * pixels.shape[1]
    return cv2.resize(pixels, size[::-1], interpolation=shrinking if shrinks else enlarging)


def force(alpha: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
    """Clicked pixels set to their sign, in place."""
    for click in clicks:
        alpha[click.y, click.x] = float(click.positive)
    return alpha


def force_discs(alpha: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
    """Pixels within DISC of a click that lack its sign set to it, in place; the nearest click decides."""
    xs, ys = np.array([(click.x, click.y) for click in clicks]).T
    signs = np.array([click.positive for click in clicks])
    for dx, dy in DISC_OFFSETS:  # nearer ones later, so that they win
        rows, columns = ys + dy, xs + dx
        inside = (rows >= 0) & (rows < alpha.shape[0]) & (columns >= 0) & (columns < alpha.shape[1])
        place = rows[inside], columns[inside]
        lacking = (alpha[place] > 0.5) != signs[inside]
        alpha[place] = np.where(lacking, signs[inside], alpha[place])
    return alpha


@dataclass(frozen=True)
class Parts:
    """The connected parts (8-neighbours) of an alpha that are above half.

    count: how many numbers there are, that of what is no part, 0, among them. reach: the smallest section
    that holds all parts, since most masks are much smaller than their picture. numbers: int32, each pixel's
    there.
    """

    count: int
    reach: Section
    numbers: np.ndarray

    @classmethod
    def of(cls, alpha: np.ndarray) -> Parts:
        """alpha: float32 [H, W]."""
        reach = _reach(alpha)
        if reach is None:
            return cls(1, Section(0, 0, 0, 0), np.zeros((0, 0), np.int32))
        mask = (alpha[reach.area] > 0.5).view(np.uint8)
        count, numbers = cv2.connectedComponents(mask, connectivity=8)
        return cls(count, reach, numbers)

    def at(self, click: Click) -> int:
        """The number of the clicked pixel."""
        x, y = click.x - self.reach.left, click.y - self.reach.top
        height, width = self.numbers.shape
        return int(self.numbers[y, x]) if 0 <= x < width and 0 <= y < height else 0


def keep_asked(alpha: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
    """Zero outside the parts above half that hold a positive click, in place; unchanged if there is none."""
    positive = [click for click in clicks if click.positive]
    if positive:
        parts = Parts.of(alpha)
        asked = np.zeros(parts.count, bool)
        asked[[parts.at(click) for click in positive]] = True
        asked[0] = False
        kept = np.where(asked[parts.numbers], alpha[parts.reach.area], 0)
        alpha[:] = 0
        alpha[parts.reach.area] = kept
    return alpha


def _extents(clicks: Sequence[Click]) -> tuple[int, int]:
    """Columns and rows that the clicks span."""
    xs, ys = [click.x for click in clicks], [click.y for click in clicks]
    return max(xs) - min(xs) + 1, max(ys) - min(ys) + 1


def _around(clicks: Sequence[Click], side: int, shape: tuple[int, ...]) -> Section:
    """The square around the middle of the clicks, moved inside the image, cut where that is smaller."""
    xs, ys = [click.x for click in clicks], [click.y for click in clicks]
    top, bottom = _within((min(ys) + max(ys) + 1) // 2, side, shape[0])
    left, right = _within((min(xs) + max(xs) + 1) // 2, side, shape[1])
    return Section(left, top, right, bottom)


def _within(middle: int, side: int, limit: int) -> tuple[int, int]:
    """Start and end of `side` pixels around the middle, inside 0…limit."""
    length = min(side, limit)
    start = min(max(0, middle - length // 2), limit - length)
    return start, start + length


def _span(inside: list[int], limit: int, step: float, margin: float) -> tuple[int, int]:
    """Start and end along one axis that hold all of `inside` and the margin."""
    low, high = min(inside), max(inside) + 1
    spare = max(margin * (high - low), step)
    start, end = np.floor((low - spare) / step) * step, np.ceil((high + spare) / step) * step
    return max(0, round(start)), min(limit, round(end))


def _nearest(place: int, before: int, after: int) -> np.ndarray:
    """Pixels of an axis resized from `before` to `after` whose nearest pixel is `place`; at least one."""
    source = cv2.resize(
        np.arange(before, dtype=np.float32)[None], (after, 1), interpolation=cv2.INTER_NEAREST
    )[0]
    places = np.flatnonzero(source == place)
    return places if len(places) else np.array([place * after // before])

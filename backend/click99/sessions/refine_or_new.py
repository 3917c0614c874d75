"""Refine or new: which of the regions on screen clicks mean (in words: docs/explanation/state.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from click99.segmentation.clicks import Click
from click99.sessions.corrections import Start

NamedClick = tuple[str, Click]  # Label Studio's id, the same when the click is dragged


@dataclass(frozen=True, eq=False)
class Region:
    """What is on screen under an id.

    pixels: bool [h, w], its mask cut to a box whose corner lies at (left, top). by_hand: bool [H, W], the
    pixels that strokes decided, or None. clicks: those that it was made from.
    """

    id: str
    top: int
    left: int
    pixels: np.ndarray
    by_hand: np.ndarray | None = None
    clicks: frozenset[NamedClick] = frozenset()

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

    def start(self, height: int, width: int) -> Start:
        """To refine it on its image [height, width]."""
        mask = np.zeros((height, width), bool)
        rows, columns = self.pixels.shape
        mask[self.top : self.top + rows, self.left : self.left + columns] = self.pixels
        return Start(mask, self.by_hand)


@dataclass(frozen=True)
class ClickedObject:
    """What clicks are about. id: of the region that the answer replaces, or of a new one. start: the mask to
    start from; None: nothing. clicks: those that count from there, at least one."""

    id: str
    start: Start | None
    clicks: Sequence[NamedClick]


def identify(
    clicks: Sequence[NamedClick], regions: Sequence[Region], new_id: str, near: float, shape: tuple[int, int]
) -> ClickedObject:
    """The object of these clicks.

    clicks: all that are pending, in order, at least one. regions: of their label and image, the newest last.
    new_id: of the region that these clicks would make. near: pixels. shape: the image's height and width.

    A region that was accepted while its clicks stayed is what they are about, wherever it lies. It holds
    those that were not moved since.
    """
    ids = {click_id for click_id, _ in clicks}
    own = [region for region in regions if any(click_id in ids for click_id, _ in region.clicks)]
    region = own[-1] if own else meant(clicks[0][1], regions, near)
    if region is None:
        return ClickedObject(new_id, None, clicks)
    new = [click for click in clicks if click not in region.clicks]
    return ClickedObject(region.id, region.start(*shape), new or clicks[-1:])


def meant(click: Click, regions: Sequence[Region], near: float) -> Region | None:
    """The region that an object's first click refines; None: it starts a new object.

    Of the regions that hold the click, the smallest: the one inside. Otherwise the nearest, of a negative
    click's at any distance (there is nothing else that it could correct), of a positive one's within `near`.
    Among equals the newest.
    """
    newest_first = list(reversed(regions))
    holding = [region for region in newest_first if region.holds(click)]
    if holding:
        return min(holding, key=lambda region: int(region.pixels.sum()))
    away = [(region.distance(click), region) for region in newest_first]
    distance, nearest = min(away, key=lambda pair: pair[0], default=(np.inf, None))
    reach = near if click.positive else np.inf
    return nearest if distance < np.inf and distance <= reach else None

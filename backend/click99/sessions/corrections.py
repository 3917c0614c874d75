"""What a person accepted or drew stays, but where a later click asks for a change."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.robot import deepest

MOST_PIXELS = 2**20  # of a mask's box, in which its middle is looked for
THICKNESS = 5  # pixels; a change thinner than this is the outline drawn anew, not a correction
MARGIN = 4 * THICKNESS  # pixels around a change, within which all lies that decides what it is


@dataclass(frozen=True, eq=False)
class Start:
    """The mask that an object's clicks start from, instead of from nothing.

    mask: bool [H, W], as the person sees it. by_hand: bool [H, W], where strokes decided, or None.
    """

    mask: np.ndarray
    by_hand: np.ndarray | None = None

    @cached_property
    def key(self) -> bytes:
        """The same for the same start only (of the same image)."""
        parts = [self.mask] if self.by_hand is None else [self.mask, self.by_hand]
        return b"".join(np.packbits(part).tobytes() for part in parts)

    @property
    def name(self) -> str:
        """By which a region tells that its clicks began here."""
        return hashlib.sha256(self.key).hexdigest()[:12]

    def own_click(self, clicks: Sequence[Click]) -> list[Click]:
        """One where the mask is deepest, away from the negative ones of `clicks`; none where it is empty.

        The network is shown it as the first: a mask without a click that asks for it is one that it seldom
        saw, and may drop at the first negative click (docs/experiments/starts.md).
        """
        left, top, width, height = cv2.boundingRect(self.mask.view(np.uint8))
        inside = self.mask[top : top + height, left : left + width].copy()
        for click in clicks:
            if not click.positive and 0 <= click.y - top < height and 0 <= click.x - left < width:
                inside[click.y - top, click.x - left] = False
        for step in (math.isqrt(inside.size // MOST_PIXELS) + 1, 1):
            if middle := deepest(inside[::step, ::step]):
                return [Click(left + step * middle[0], top + step * middle[1], True)]
        return []

    @property
    def alpha(self) -> np.ndarray:
        """uint8 [H, W], 0 or 255."""
        return self.mask.view(np.uint8) * np.uint8(255)


def kept_corrections(start: Start, alpha: np.ndarray, clicks: Sequence[Click], near: float) -> np.ndarray:
    """The network's answer where the clicks ask for it, the start elsewhere: uint8 [H, W] -> uint8 [H, W].

    alpha: after all of `clicks` (the ones since the start). near: pixels around a click that are its own.

    The network sees the whole object anew with every click and may change its mind anywhere. Of the parts
    that it adds, only those count that a positive click lies in or near, of those that it takes away only
    those of a negative one; a change of the outline alone is no part. Where strokes decided, nothing changes
    unless a click contradicts them in that very place.
    """
    kept = start.alpha
    for positive in (True, False):
        if own := [click for click in clicks if click.positive == positive]:
            _change(kept, start, alpha, own, near)
    return kept


def _change(kept: np.ndarray, start: Start, alpha: np.ndarray, clicks: Sequence[Click], near: float) -> None:
    """Bring into `kept` what these clicks, all of one sign, ask for."""
    positive = clicks[0].positive
    changed = ((alpha > 127) == positive) & (start.mask != positive)
    around = _around(clicks, near, changed.shape)
    place = _place(changed | around)
    allowed = _clicked_parts(start.mask[place], changed[place], around[place]) | around[place]
    if start.by_hand is not None:
        freed = _contradicted(start.by_hand & (start.mask != positive), clicks)
        allowed = (allowed & ~start.by_hand[place]) | freed[place]
    further = np.maximum if positive else np.minimum
    kept[place] = np.where(allowed, further(alpha[place], kept[place]), kept[place])


def _place(pixels: np.ndarray) -> tuple[slice, slice]:
    """Where any are, with as much around as an outline reaches; all may be far less than the image."""
    left, top, width, height = cv2.boundingRect(pixels.view(np.uint8))
    rows = slice(max(top - MARGIN, 0), top + height + MARGIN)
    return rows, slice(max(left - MARGIN, 0), left + width + MARGIN)


def _around(clicks: Sequence[Click], radius: float, shape: tuple[int, ...]) -> np.ndarray:
    """The pixels within `radius` of a click: bool."""
    image = np.zeros(shape, np.uint8)
    for click in clicks:
        cv2.circle(image, (click.x, click.y), max(1, round(radius)), 1, cv2.FILLED)
    return image > 0


def _outline(mask: np.ndarray) -> np.ndarray:
    """Where redrawing the outline of a mask changes pixels: bool. Its own thin parts have none."""
    thick = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, _disc(THICKNESS))
    reach = _disc(2 * THICKNESS - 1)
    return cv2.dilate(thick, reach) != cv2.erode(thick, reach)


def _clicked_parts(mask: np.ndarray, changed: np.ndarray, around: np.ndarray) -> np.ndarray:
    """The parts of a mask's change that reach into `around`; what hangs together by a redrawn outline is
    several."""
    thick = cv2.morphologyEx(changed.view(np.uint8), cv2.MORPH_OPEN, _disc(THICKNESS)) > 0
    core = thick | (changed & (around | ~_outline(mask)))
    _, parts = cv2.connectedComponents(core.view(np.uint8), connectivity=8)
    clicked = np.isin(parts, np.unique(parts[around & core])) & core
    return (cv2.dilate(clicked.view(np.uint8), _disc(2 * THICKNESS - 1)) > 0) & changed  # across the outline


def _disc(diameter: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter))


def _contradicted(strokes: np.ndarray, clicks: Sequence[Click]) -> np.ndarray:
    """The parts of strokes that a click fell into: bool."""
    _, parts = cv2.connectedComponents(strokes.view(np.uint8))
    return np.isin(parts, list({parts[click.y, click.x] for click in clicks} - {0}))

"""Robots that click as annotators do: in a wrong region, one click at a time, by the two protocols in use.

`paper`: the centre of the largest wrong region (Forte et al. 2020, sections 3.1 and 5).
`ritm`: the deepest pixel of all that is missed or of all that is too much, whichever is deeper; never one
that was clicked before (Sofiiuk et al. 2021, and with it SimpleClick and FocalClick).

Wrong is where prediction and truth differ, void pixels aside. All masks are bool [H, W].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from click99.segmentation.clicks import Click


@dataclass(frozen=True)
class Correction:
    """A click, and the connected wrong region that it fell into: bool [H, W]."""

    click: Click
    region: np.ndarray


class Robot(Protocol):
    def __call__(
        self,
        truth: np.ndarray,
        prediction: np.ndarray,
        void: np.ndarray | None = None,
        clicks: Sequence[Click] = (),
        lenient: np.random.Generator | None = None,
    ) -> Correction | None:
        """The next click; None where nothing is wrong.

        Args:
            clicks: those made before.
            lenient: with a generator the click lands where people's do, on a random pixel at least half as
                deep as the deepest, instead of the deepest.
        """
        ...


def paper_robot(
    truth: np.ndarray,
    prediction: np.ndarray,
    void: np.ndarray | None = None,
    clicks: Sequence[Click] = (),
    lenient: np.random.Generator | None = None,
) -> Correction | None:
    region = largest_wrong_region(truth, prediction, void)
    return None if region is None else Correction(_click(depth(region), truth, lenient), region)


def ritm_robot(
    truth: np.ndarray,
    prediction: np.ndarray,
    void: np.ndarray | None = None,
    clicks: Sequence[Click] = (),
    lenient: np.random.Generator | None = None,
) -> Correction | None:
    missed, surplus = ((wrong, depth(wrong)) for wrong in _wrong(truth, prediction, void))
    for click in clicks:
        missed[1][click.y, click.x] = surplus[1][click.y, click.x] = 0
    wrong, inside = missed if missed[1].max() > surplus[1].max() else surplus
    if not inside.any():
        return None
    click = _click(inside, truth, lenient)
    _, parts = cv2.connectedComponents(wrong.astype(np.uint8), connectivity=8)
    return Correction(click, parts == parts[click.y, click.x])


ROBOTS: dict[str, Robot] = {"paper": paper_robot, "ritm": ritm_robot}


def robot_click(
    truth: np.ndarray,
    prediction: np.ndarray,
    void: np.ndarray | None = None,
    lenient: np.random.Generator | None = None,
) -> Click | None:
    """The paper's next click alone."""
    correction = paper_robot(truth, prediction, void, (), lenient)
    return correction and correction.click


def largest_wrong_region(
    truth: np.ndarray, prediction: np.ndarray, void: np.ndarray | None = None
) -> np.ndarray | None:
    """The largest connected region (8-neighbours) of one kind of error; None where nothing is wrong."""
    largest, area = None, 0
    for wrong in _wrong(truth, prediction, void):
        if not wrong.any():
            continue
        _, labels, stats, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8), connectivity=8)
        k = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        if stats[k, cv2.CC_STAT_AREA] > area:
            largest, area = labels == k, int(stats[k, cv2.CC_STAT_AREA])
    return largest


def depth(region: np.ndarray) -> np.ndarray:
    """Exact distance of a region's pixels to its border or the image's sides: float32 [H, W], 0 outside."""
    cv2.ipp.setUseIPP(False)  # in this thread: its last bits differ with where in memory the region lies
    deep = np.zeros(region.shape, np.float32)
    pixels = region.astype(np.uint8)
    left, top, width, height = cv2.boundingRect(pixels)
    box = np.s_[top : top + height, left : left + width]
    deep[box] = cv2.distanceTransform(np.pad(pixels[box], 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return deep


def deepest(region: np.ndarray) -> tuple[int, int] | None:
    """x and y of the pixel farthest from a region's border and the image's sides; None: it is empty."""
    if not region.any():
        return None
    y, x = np.unravel_index(int(depth(region).argmax()), region.shape)
    return int(x), int(y)


def _wrong(truth: np.ndarray, prediction: np.ndarray, void: np.ndarray | None) -> Iterator[np.ndarray]:
    """What is missed, then what is too much."""
    valid = np.ones_like(truth) if void is None else ~void
    yield truth & ~prediction & valid
    yield ~truth & prediction & valid


def _click(inside: np.ndarray, truth: np.ndarray, lenient: np.random.Generator | None) -> Click:
    """At the deepest pixel, or with a generator at one at least half as deep; with the truth's sign."""
    if lenient is None:
        y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    else:
        ys, xs = np.nonzero(inside >= 0.5 * inside.max())
        k = int(lenient.integers(len(ys)))
        y, x = ys[k], xs[k]
    return Click(int(x), int(y), bool(truth[y, x]))

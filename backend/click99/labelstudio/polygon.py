"""PolygonLabels: a mask as one closed outline, in percent of the image's width and height.

A polygon of Label Studio is one ring, filled by the nonzero rule. Holes and further parts are joined to it by
bridges: a line there and back, of no area. So one region holds all of an object.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

Ring = np.ndarray  # [N, 2] of x, y
MOST_PARTS = 200  # parts and holes of an outline, the largest ones: what has more is noise


def outline(mask: np.ndarray, tolerance: float) -> list[list[float]]:
    """bool [H, W] -> points as Label Studio keeps them; empty for an empty mask.

    tolerance: pixels that the outline may stray from the mask's edge (Douglas and Peucker 1973). Holes and
    parts narrower than that are left out, but never all parts. With 0, and no more than MOST_PARTS of them,
    `fill` gives the same mask back.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return []
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    corner = np.array([columns[0], rows[0]])
    ring = _joined(list(_rings(part, tolerance))) + corner
    return (ring * 100 / (mask.shape[1], mask.shape[0])).tolist()


def fill(points: Sequence[Sequence[float]], height: int, width: int) -> np.ndarray:
    """Points in percent -> bool [height, width]: the pixels whose centres the ring winds around."""
    ring = np.asarray(points, float).reshape(-1, 2) * (width / 100, height / 100)
    turns = np.zeros((height, width + 1), np.int32)
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        down = end[1] > start[1]
        (x0, y0), (x1, y1) = (start, end) if down else (end, start)  # a bridge rounds alike there and back
        first, last = np.clip(np.ceil(np.array([y0, y1]) - 0.5), 0, height).astype(int)
        rows = np.arange(first, last)
        crossings = x0 + (rows + 0.5 - y0) * (x1 - x0) / ((y1 - y0) or 1)
        columns = np.clip(np.ceil(crossings - 0.5), 0, width).astype(int)
        turns[rows, columns] += 1 if down else -1
    return turns.cumsum(axis=1)[:, :width] != 0


def _rings(mask: np.ndarray, tolerance: float) -> Iterator[tuple[Ring, list[Ring]]]:
    """Each part's outline along its pixels' edges, simplified, with those of its holes.

    Contours run through pixels' centres. On a grid of half pixels, widened by one, they run along the edges.
    """
    grid = np.zeros((2 * mask.shape[0] + 1, 2 * mask.shape[1] + 1), np.uint8)
    grid[1::2, 1::2] = mask
    grid = cv2.dilate(grid, np.ones((3, 3), np.uint8))
    found, family = cv2.findContours(grid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parents = family[0, :, 3]
    by_size = sorted(range(len(found)), key=lambda k: cv2.contourArea(found[k]), reverse=True)
    simple = {
        k: cv2.approxPolyDP(found[k], 2 * tolerance, closed=True)[:, 0] / 2 for k in by_size[:MOST_PARTS]
    }
    if len(simple[by_size[0]]) < 3:
        simple[by_size[0]] = found[by_size[0]][:, 0] / 2  # the largest is always a part
    kept = [k for k in simple if len(simple[k]) >= 3]
    for part in kept:
        if parents[part] < 0:
            yield simple[part], [simple[hole] for hole in kept if parents[hole] == part]


def _joined(parts: list[tuple[Ring, list[Ring]]]) -> Ring:
    whole: Ring | None = None
    for ring, holes in parts:
        for hole in holes:
            ring = _bridge(ring, hole)
        whole = ring if whole is None else _bridge(whole, ring)
    assert whole is not None
    return whole


def _bridge(ring: Ring, other: Ring) -> Ring:
    """Along `ring` to where `other` is nearest, there around it, and back."""
    away = ((ring[:, None] - other[None]) ** 2).sum(axis=2)
    here, there = divmod(int(away.argmin()), len(other))
    around = np.concatenate([other[there:], other[: there + 1]])
    return np.concatenate([ring[: here + 1], around, ring[here:]])

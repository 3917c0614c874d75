"""A click, from the wire to the record, and the pixels around it that are surely meant, too."""

from __future__ import annotations

from dataclasses import dataclass

DISC = 3  # pixels around a click that are surely meant, too


@dataclass(frozen=True)
class Click:
    """One click in image space: pixel column x, pixel row y (origin top left), and its sign.

    id: Label Studio's, the same when the click is dragged; "" where nobody names clicks. No network sees it.
    """

    x: int
    y: int
    positive: bool
    id: str = ""


def disc_offsets(radius: float) -> list[tuple[int, int]]:
    """(dx, dy) of the pixels within a radius of a pixel, the farthest first."""
    reach = range(-int(radius), int(radius) + 1)
    inside = [(dx, dy) for dy in reach for dx in reach if dx**2 + dy**2 <= radius**2]
    return sorted(inside, key=lambda offset: -(offset[0] ** 2 + offset[1] ** 2))

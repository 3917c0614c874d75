"""Masks and clicks drawn over their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from click99.drawing import draw
from click99.segmentation.metrics import noc
from click99_training.datasets.sample import Sample
from click99_training.evaluation.results import Annotation, Result, unpack

WIDTH = 440  # of a tile, in pixels
ACROSS = 4  # tiles in a row
GAP = 8  # between tiles, in pixels
LIMIT = 100  # tiles of a gallery
COMPARED = 6  # images whose masks stand side by side


@dataclass(frozen=True)
class Tile:
    """A drawn picture, uint8 RGB [H, W, 3], and what stands below it."""

    picture: np.ndarray
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Tiles in reading order, `across` of them a row; on a page as many as fit if that is not given."""

    tiles: list[Tile]
    across: int | None = None

    def save(self, folder: Path, name: str) -> None:
        cv2.imwrite(str(folder / f"{name}.png"), self._sheet(self.across or ACROSS)[..., ::-1])

    def _sheet(self, columns: int) -> np.ndarray:
        """All tiles on white: uint8 RGB [H, W, 3]."""
        rows = [self.tiles[k : k + columns] for k in range(0, len(self.tiles), columns)]
        width = columns * max(tile.picture.shape[1] + GAP for tile in self.tiles)
        return np.concatenate([_strip([tile.picture for tile in row], width, columns) for row in rows])


def _strip(pictures: list[np.ndarray], width: int, columns: int) -> np.ndarray:
    strip = np.full((max(len(picture) for picture in pictures) + GAP, width, 3), 255, np.uint8)
    for k, picture in enumerate(pictures):
        left = k * width // columns
        strip[: len(picture), left : left + picture.shape[1]] = picture
    return strip


def ranked(result: Result) -> list[Annotation]:
    """The images from easiest to hardest: by clicks to 90 % IoU, then by mean IoU over the clicks."""
    counts = noc(result.ious, 0.9)
    order = sorted(range(len(counts)), key=lambda k: (counts[k], -result.annotations[k].ious.mean()))
    return [result.annotations[k] for k in order]


def spread(items: Sequence, count: int) -> list:
    """At most `count` of the items, evenly spaced, first and last among them."""
    if len(items) <= count:
        return list(items)
    return [items[k] for k in np.linspace(0, len(items) - 1, count).round().astype(int)]


def by_difficulty(result: Result, samples: dict[str, Sample]) -> Gallery:
    """Every image's last mask with all clicks, easiest first (Figure 16)."""
    places = list(enumerate(ranked(result), 1))
    tiles = [
        Tile(draw(samples[each.name].image, _last(each), each.clicks, WIDTH), f"{place}. {_told(each)}")
        for place, each in spread([(k, each) for k, each in places if each.name in samples], LIMIT)
    ]
    return Gallery(tiles)


def smallest(result: Result, samples: dict[str, Sample], count: int = 24) -> Gallery | None:
    """The smallest objects' masks after one click, smallest first; None where no size is known."""
    known = [each for each in result.annotations if each.name in samples and each.extent == each.extent]
    tiles = [
        Tile(
            draw(samples[each.name].image, unpack(each.masks[1]), each.clicks[:1], WIDTH),
            f"{each.name}: {each.extent:.0%} of the side, {each.ious[0]:.1%}",
        )
        for each in sorted(known, key=lambda each: each.extent)[:count]
        if 1 in each.masks
    ]
    return Gallery(tiles) if tiles else None


def masks_after(results: dict[str, Result], samples: dict[str, Sample], clicks: int) -> Gallery:
    """The truth, and each evaluation's mask after some clicks, an image a row (Figures 23 and 24)."""
    found = [
        {each.name: each for each in result.annotations if clicks in each.masks}
        for result in results.values()
    ]
    first = next(iter(results.values()))
    shared = [
        each.name for each in ranked(first) if each.name in samples and all(each.name in f for f in found)
    ]
    tiles = []
    for name in spread(shared, COMPARED):
        sample = samples[name]
        tiles.append(Tile(draw(sample.image, sample.truth, [], WIDTH), f"{name}: truth"))
        for told, by_name in zip(results, found, strict=True):
            each = by_name[name]
            picture = draw(sample.image, unpack(each.masks[clicks]), each.clicks[:clicks], WIDTH)
            tiles.append(Tile(picture, f"{told}: {each.ious[clicks - 1]:.1%}"))
    together = 1 + len(results)
    return Gallery(tiles, across=together * max(1, ACROSS // together))


def contact_sheet(path: Path) -> Gallery:
    """A picture that is shown as it is (Figures 18 and 19).

    Raises:
        ValueError: the file is no picture.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{path} is not a picture: make it with click99 compose --preview")
    return Gallery([Tile(np.asarray(picture)[..., ::-1], "")], across=1)


def _last(annotation: Annotation) -> np.ndarray:
    return unpack(annotation.masks[max(annotation.masks)])


def _told(annotation: Annotation) -> str:
    reached = annotation.ious >= 0.9
    clicks = int(reached.argmax()) + 1
    to_90 = f"{clicks} click{'s' * (clicks > 1)} to 90 %" if reached.any() else "90 % not reached"
    return f"{annotation.name}: {to_90}, {annotation.ious[-1]:.1%} after {len(annotation.ious)}"

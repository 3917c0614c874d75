"""What is exported: pictures, and the masks that people saved on each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import numpy as np
from sqlalchemy.orm import Session

from click99.annotations import masks
from click99.annotations.saved_masks import MaskFilter, SavedMask, by_image
from click99.annotations.tables import MaskRow
from click99.export.names import free, stem
from click99.labelstudio.data_uris import is_data_uri
from click99.labelstudio.errors import LabelStudioError
from click99.progress import Tick

Pixels = Callable[[SavedMask], np.ndarray]  # of the mask's picture: uint8 RGB [H, W, 3]


@dataclass(frozen=True, eq=False)
class LabelledMask:
    """mask: bool [H, W], something in it. label: as Label Studio shows it. name: of the saved region.
    alpha: the soft mask, uint8 [H, W], where there is one."""

    mask: np.ndarray
    label: str
    name: str
    alpha: np.ndarray | None = None

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in pixels, ends excluded."""
        rows, columns = (np.flatnonzero(self.mask.any(axis)) for axis in (1, 0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True, eq=False)
class Picture:
    """name: a file's, without its suffix, of no other picture. address: where it was. pixels: uint8 RGB
    [H, W, 3], None where they were not asked for. objects: the largest first."""

    name: str
    address: str
    size: tuple[int, int]  # height, width
    pixels: np.ndarray | None
    objects: list[LabelledMask]

    @property
    def boxes(self) -> list[tuple[int, int, int, int]]:
        return [found.box for found in self.objects]


def pictures(
    session: Session,
    which: MaskFilter,
    pixels: Pixels | None,
    leave_out: Callable[[str], None],
    tick: Tick,
) -> Iterator[Picture]:
    """Task by task; `leave_out` is told of what can't be had, and why."""
    names: set[str] = set()
    groups = by_image(session, which)
    for number, group in enumerate(groups):
        tick(number, len(groups))
        task, addresses = group[0].annotation.task, group[0].images
        if not pixels and len(addresses) > 1:
            leave_out(f"task {task}: {len(addresses)} pictures, and no click tells which of them is meant")
            continue
        try:
            seen = pixels(group[0]) if pixels else None
        except LabelStudioError as error:
            leave_out(f"task {task}: {error}")
            continue
        objects = list(_objects(session, group, seen, leave_out))
        if objects:
            address = addresses[0] if addresses else ""
            name = free(names, f"{task}-{_stem(address)}".rstrip("-"))
            yield Picture(name, address, objects[0].mask.shape, seen, objects)  # type: ignore[arg-type]
    tick(len(groups), len(groups))


def _objects(
    session: Session, group: list[SavedMask], seen: np.ndarray | None, leave_out: Callable[[str], None]
) -> Iterator[LabelledMask]:
    read = [(found, masks.pixels(session.get_one(MaskRow, found.region.mask))) for found in group]
    shape = seen.shape[:2] if seen is not None else read[0][1].shape
    for found, mask in sorted(read, key=lambda pair: -int(pair[1].sum())):
        name = f"task {found.annotation.task}, annotation {found.annotation.id}, region {found.region.id}"
        if mask.shape != shape:
            leave_out(f"{name}: mask {mask.shape[::-1]}, image {shape[::-1]}. The image was replaced since")
        elif not mask.any():
            leave_out(f"{name}: the mask is empty")
        else:
            yield LabelledMask(mask, found.region.label or "", found.region.id)


def _stem(address: str) -> str:
    """Of an address the file's name without its suffix, in letters that every system takes."""
    if is_data_uri(address):
        return ""
    path = unquote(urlsplit(address).path or address).rstrip("/").rpartition("/")[2]
    return stem(path)

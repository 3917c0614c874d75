"""`click99 collect`: what people saved becomes a snapshot (learning/snapshots.py)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from click99.annotations import masks
from click99.annotations.database import Database
from click99.annotations.saved_masks import MaskFilter, SavedMask, by_image
from click99.annotations.tables import ClickRow, MaskRow
from click99.files import whole_folder
from click99.labelstudio.data_uris import is_data_uri
from click99.labelstudio.errors import LabelStudioError
from click99.progress import QUIET, Tick
from click99.segmentation.metrics import iou
from click99_training.learning.snapshots import SnapshotError, image_name, link, save, seal, split_of

SAME_OBJECT = 0.5  # IoU from which masks of two annotators are of one object

Pixels = Callable[[SavedMask], np.ndarray]  # of the object's image: uint8 RGB [H, W, 3]
AlphaOf = Callable[[str], np.ndarray]  # a mask's key -> bool [H, W]
Keep = Callable[..., None]  # file, pixels: into the snapshot, as a copy or by reference


@dataclass
class Snapshot:
    """What was collected. left_out: messages. contradictions: pairs of masks that annotators disagree on."""

    folder: Path
    masks: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)


def collect(
    database: Database,
    out: Path,
    which: MaskFilter,
    pixels: Pixels,
    agreement: float = 0.0,
    store: Path | None = None,
    tick: Tick = QUIET,
) -> Snapshot:
    """Write the snapshot; all of it or nothing.

    pixels: gives an object's image, LabelStudioError when it is gone. agreement: IoU that the masks of two
    annotators of an object need; 0: one annotator is enough. store: a folder that keeps the images, which the
    snapshot only refers to; None: it has copies of its own. tick: told after each image.
    SnapshotError when `out` holds something, or nothing is wanted.
    """
    if out.exists() and any(out.iterdir()):
        raise SnapshotError(f"{out}: not empty, and a snapshot never changes. Choose another folder")
    snapshot = Snapshot(out)
    keep = partial(link, store=store) if store else save
    with whole_folder(out) as unfinished:
        with database.reading() as session:
            _write(session, unfinished, which, pixels, keep, agreement, snapshot, tick)
        if not snapshot.masks:
            raise SnapshotError(_why_empty(snapshot, which))
        seal(
            unfinished,
            database=database.name,
            query={**asdict(which), "agreement": agreement},
            masks=snapshot.masks,
            left_out=snapshot.left_out,
            contradictions=snapshot.contradictions,
        )
    return snapshot


def _write(
    session: Session,
    out: Path,
    which: MaskFilter,
    pixels: Pixels,
    keep: Keep,
    agreement: float,
    snapshot: Snapshot,
    tick: Tick,
) -> None:
    lines: list[str] = []
    masks_of = Counter[str]()
    groups = by_image(session, which)
    for number, objects in enumerate(groups):
        tick(number, len(groups))
        try:
            image = pixels(objects[0])
        except LabelStudioError as error:
            snapshot.left_out += [f"{_name(found)}: {error}" for found in objects]
            continue
        alone = len({found.annotation.id for found in objects}) == 1

        @lru_cache(maxsize=1 if alone else None)  # thousands in memory, if they are compared at all
        def alpha_of(found: str) -> np.ndarray:
            return masks.pixels(session.get_one(MaskRow, found))

        fitting = _fitting(objects, alpha_of, image, snapshot)
        for found in fitting if alone and not agreement else _agreed(fitting, alpha_of, agreement, snapshot):
            name = image_name(image)
            split = split_of(name)
            file = f"{split}/masks/{name}_{masks_of[name]}.png"
            masks_of[name] += 1
            keep(out / split / "images" / f"{name}.png", pixels=image)
            mask = alpha_of(str(found.region.mask))
            save(out / file, mask.view(np.uint8) * np.uint8(255), durable=False)
            lines.append(json.dumps(_line(session, out, file, found)))
            snapshot.masks[split] += 1
    tick(len(groups), len(groups))
    if lines:
        (out / "clicks.jsonl").write_text("\n".join(lines) + "\n")


def _fitting(
    objects: Sequence[SavedMask], alpha_of: AlphaOf, image: np.ndarray, snapshot: Snapshot
) -> list[SavedMask]:
    """The objects whose masks have the image's size, and tell something from something else."""
    fitting = []
    for found in objects:
        alpha = alpha_of(str(found.region.mask))
        if alpha.shape != image.shape[:2]:
            sizes = f"mask {alpha.shape[::-1]}, image {image.shape[1::-1]}"
            snapshot.left_out.append(f"{_name(found)}: {sizes}. The image was replaced since")
        elif not alpha.any():
            snapshot.left_out.append(f"{_name(found)}: the mask is empty")
        elif alpha.sum() == 1:
            snapshot.left_out.append(f"{_name(found)}: the mask is one pixel")
        elif alpha.all():
            snapshot.left_out.append(f"{_name(found)}: the mask is the whole image, which tells nothing")
        else:
            fitting.append(found)
    return fitting


def _agreed(
    objects: Sequence[SavedMask], alpha_of: AlphaOf, agreement: float, snapshot: Snapshot
) -> list[SavedMask]:
    """With `agreement`, the objects that another annotation confirms; contradictions are noted either way."""
    kept = []
    for place, found in enumerate(objects):
        alpha = alpha_of(str(found.region.mask))
        others = [
            (iou(alpha, alpha_of(str(other.region.mask))), other)
            for other in objects
            if other.annotation.id != found.annotation.id and other.region.label == found.region.label
        ]
        best, other = max(others, key=lambda pair: pair[0], default=(0.0, None))
        if other and best < max(agreement, SAME_OBJECT) and objects.index(other) > place:
            snapshot.contradictions.append(
                f"{_name(found)} and {_name(other)} disagree about {found.region.label!r} (IoU {best:.2f})"
            )
        if best >= agreement or not agreement:
            kept.append(found)
        else:
            snapshot.left_out.append(f"{_name(found)}: nobody else's mask agrees (IoU {best:.2f})")
    return kept


def _line(session: Session, out: Path, file: str, found: SavedMask) -> dict[str, Any]:
    return {
        "mask": file,
        "label": found.region.label,
        "images": [address for address in found.images if not is_data_uri(address)],
        "project": found.annotation.project,
        "task": found.annotation.task,
        "annotation": found.annotation.id,
        "region": found.region.id,
        "annotator": found.annotation.annotator,
        "saved_at": found.annotation.updated_at.isoformat() if found.annotation.updated_at else None,
        "corrected": found.corrected,
        "clicks": [_click(session, out, click) for click in found.clicks],
    }


def _click(session: Session, out: Path, click: ClickRow) -> dict[str, Any]:
    """start: the file of the mask that this click began with, None: nothing, or the click before."""
    start = None
    if click.start:
        start = f"starts/{click.start[:16]}.png"
        save(out / start, masks.pixels(session.get_one(MaskRow, click.start)).view(np.uint8) * np.uint8(255))
    return {
        "x": click.x,
        "y": click.y,
        "positive": click.positive,
        "origin": click.origin,
        "box": click.box,
        "start": start,
        "model_version": click.model_version,
        "milliseconds": click.milliseconds,
    }


def _name(found: SavedMask) -> str:
    return f"task {found.annotation.task}, annotation {found.annotation.id}, region {found.region.id}"


def _why_empty(snapshot: Snapshot, which: MaskFilter) -> str:
    asked = ", ".join(f"{name}={value}" for name, value in asdict(which).items() if value)
    if snapshot.left_out:
        return f"nothing to collect: {len(snapshot.left_out)} masks are left out, {snapshot.left_out[0]}"
    if not asked:
        return "nothing to collect: the record has no saved mask. Click and save, or run click99 sync"
    return f"nothing to collect: no saved mask has {asked}. Widen the filter, or run click99 sync"

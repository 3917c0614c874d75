"""Label Studio's exports as events: how a record is filled without a server."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from click99.annotations.database import Database
from click99.annotations.events import keep_event
from click99.annotations.tables import TaskRow
from click99.labelstudio import brush
from click99.labelstudio.loose_values import listed
from click99.labelstudio.pixels import MAX_PIXELS

MAX_BYTES = 64 * 2**20  # of one mask, unpacked

# How Label Studio's converter names the masks of "Brush labels to PNG".
PNG = re.compile(
    r"task-(?P<task>\d+)-annotation-(?P<annotation>\d+)-by-(?P<by>[^-]*)-"
    r"(?P<control>[^-]+)-(?P<label>.+)-(?P<number>\d+)\.png"
)


class ExportError(ValueError):
    """A file or folder that is no export of Label Studio's."""


def events(path: Path) -> Iterator[dict[str, Any]]:
    """The annotations of an export, as events: a JSON file, or a folder or zip of brush PNGs.

    ExportError naming the file when it is neither. Exports of PNGs say neither which image nor when, and
    Label Studio's ids of regions are not in them.
    """
    if path.suffix == ".json":
        yield from _from_json(path)
    elif path.is_dir() or zipfile.is_zipfile(path):
        yield from _from_pngs(path)
    else:
        raise ExportError(
            f"{path}: neither JSON, nor a folder or zip of PNGs. Export it as JSON or Brush to PNG"
        )


def import_export(database: Database, path: Path, project: int | str | None = None) -> int:
    """Record what an export holds. How many annotations were new to the record. Errors: see `events`.

    project: the exported project's number, where the export doesn't tell (PNGs).
    """
    new = 0
    for event in events(path):
        with database.writing() as session:
            number = event["project"]["id"] if project is None else project
            event["project"] = project_named(session, number)
            new += keep_event(session, json.dumps(event).encode(), datetime.now(UTC)) is not None
    return new


def project_named(session: Session, number: int | str) -> dict[str, Any]:
    """How events name the project of an export, which knows its number only.

    The project of that number that the record knows, if it is the only one.
    """
    known = session.scalars(
        select(TaskRow.project).where(TaskRow.project.like(f"{number}.%")).distinct()
    ).all()
    return {"id": number, "known_as": known[0]} if len(known) == 1 else {"id": number}


def _from_json(path: Path) -> Iterator[dict[str, Any]]:
    try:
        tasks = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{path}: no JSON ({error}). Export it again") from None
    if not isinstance(tasks, list) or not all(isinstance(t, dict) and "annotations" in t for t in tasks):
        raise ExportError(f"{path}: no list of tasks with annotations. Export as JSON, not as JSON-MIN")
    for task in tasks:
        for annotation in listed(task["annotations"]):
            yield _event(
                task.get("project", ""), {"id": task.get("id"), "data": task.get("data")}, annotation
            )


def _from_pngs(path: Path) -> Iterator[dict[str, Any]]:
    named = [(match, get) for name, get in _files(path) if (match := PNG.fullmatch(name))]
    if not named:
        raise ExportError(f"{path}: no file named as task-1-annotation-2-by-3-brush-label-0.png in it")
    for (task, number, by), masks in groupby(named, lambda each: each[0].group("task", "annotation", "by")):
        items = [_item(match, get) for match, get in masks]  # one annotation's in memory at a time
        yield _event("", {"id": task}, {"id": number, "completed_by": by or None, "result": items})


def _files(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Names, in their order, and what reads the file."""
    if path.is_dir():
        files = sorted(path.rglob("*.png"), key=lambda file: file.name)
        yield from ((file.name, file.read_bytes) for file in files)
        return
    with zipfile.ZipFile(path) as archive:
        for info in sorted(archive.infolist(), key=lambda info: Path(info.filename).name):
            if info.filename.endswith(".png"):
                yield Path(info.filename).name, partial(_unzipped, path, info)


def _unzipped(path: Path, info: zipfile.ZipInfo) -> bytes:
    with zipfile.ZipFile(path) as archive, archive.open(info) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    return content


def _item(match: re.Match[str], get: Callable[[], bytes]) -> dict[str, Any]:
    """A mask as Label Studio would have sent it."""
    try:
        with Image.open(BytesIO(get()), formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width} × {image.height}, larger than any image")
            mask = np.asarray(image.convert("L"))
    except Exception as error:  # encrypted, damaged, and what Pillow's decoders raise
        raise ExportError(f"{match[0]}: no readable PNG ({error}). Export it again") from None
    return {
        "id": f"{match['control']}-{match['label']}-{match['number']}",
        "type": "brushlabels",
        "origin": "imported",
        "original_height": mask.shape[0],
        "original_width": mask.shape[1],
        "value": {"rle": brush.encode(mask), "brushlabels": [match["label"]]},
    }


def _event(project: Any, task: Mapping[str, Any], annotation: Mapping[str, Any]) -> dict[str, Any]:
    return {"action": "IMPORTED", "project": {"id": project}, "task": task, "annotation": annotation}

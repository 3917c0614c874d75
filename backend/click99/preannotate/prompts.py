"""The boxes and points that masks are made from: of a task's own predictions, or of a detector's file."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

from click99.labelstudio.loose_values import listed, objects
from click99.labelstudio.payloads import ContextItem, saved_prompt
from click99.labelstudio.uploads import file_name

FAR = 1e5  # percent: outside of every picture
CORNERS = ("left", "top", "right", "bottom")
DELIMITERS = ",;\t"


@dataclass(frozen=True)
class PixelPrompt:
    """Of a detector. ends: left, top, right, bottom in pixels; of a point twice the same."""

    label: str
    ends: tuple[float, float, float, float]

    def outside(self, height: int, width: int) -> str:
        """That it lies outside of a picture of that size; "": some of it does not."""
        left, top, right, bottom = self.ends
        if left < width and top < height and right >= 0 and bottom >= 0:
            return ""
        place = f"{left:g}, {top:g}" if self.ends[:2] == self.ends[2:] else f"{self.ends}"
        return f"{place} lies outside of the picture, which is {width} × {height} pixels"

    def item(self, number: int, height: int, width: int) -> ContextItem:
        """As Label Studio would send it from a picture of that size; what is narrower than a pixel is a point
        in its middle."""
        left, top, right, bottom = self.ends
        kind = "rectanglelabels"
        if min(right - left, bottom - top) < 1:
            kind = "keypointlabels"
            left, top = floor((left + right) / 2) + 0.5, floor((top + bottom) / 2) + 0.5
            right, bottom = left, top
        left, right = _percent(left, width), _percent(right, width)
        top, bottom = _percent(top, height), _percent(bottom, height)
        value = {"x": left, "y": top, "width": right - left, "height": bottom - top, kind: [self.label]}
        sizes = {"original_width": width, "original_height": height}
        return ContextItem.model_validate({"id": f"prompt {number}", "type": kind, "value": value} | sizes)


def _percent(pixels: float, size: int) -> float:
    return max(-FAR, min(100 * pixels / size, FAR))


def of_task(task: Mapping[str, Any], image: str) -> list[ContextItem]:
    """The newest of its predictions that has boxes or points with labels on that Image tag, of several
    pictures on the first one: those. What can't be read there does not count."""
    predictions = [each for each in listed(task.get("predictions")) if isinstance(each, dict)]
    for prediction in sorted(predictions, key=lambda each: str(each.get("created_at")), reverse=True):
        items = filter(None, map(saved_prompt, objects(prediction.get("result"))))
        here = [item for item in items if item.to_name in ("", image) and not item.item_index]
        if found := [item for item in here if item.has_place and item.label]:
            return found
    return []


def of_file(file: Path) -> dict[str, list[PixelPrompt]]:
    """By the name of the picture's file. COCO's JSON (images, categories, annotations with bbox), or CSV with
    a header: file, label, and left, top, right, bottom or x, y, in pixels.

    Raises:
        ValueError: neither, a line that can't be read, or two pictures that Label Studio gives one name; the
            message names it.
    """
    found: dict[str, list[PixelPrompt]] = defaultdict(list)
    paths: dict[str, str] = {}
    read = _coco if file.suffix.lower() == ".json" else _csv
    for path, prompt in read(file):
        name = file_name(path)
        if (other := paths.setdefault(name, path)) != path:
            raise ValueError(f"{file}: {other} and {path} are both {name} in Label Studio. Rename one")
        found[name].append(prompt)
    if not found:
        raise ValueError(f"{file}: no boxes and no points in it")
    return dict(found)


def _coco(file: Path) -> Iterator[tuple[str, PixelPrompt]]:
    try:
        told = json.loads(file.read_bytes())
        names = {image["id"]: str(image["file_name"]) for image in told["images"]}
        labels = {category["id"]: category["name"] for category in told["categories"]}
        for annotation in told["annotations"]:
            left, top, width, height = map(float, annotation["bbox"])
            picture = _named(names, annotation["image_id"], "images")
            label = _named(labels, annotation["category_id"], "categories")
            yield picture, _checked(label, left, top, left + width, top + height)
    except (ValueError, LookupError, TypeError) as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        problem = f"not COCO's form ({kind}{error})"
        wanted = "images, categories, and annotations with bbox"
        raise ValueError(f"{file}: {problem}. It needs {wanted}") from None


def _named(names: Mapping[Any, str], id: Any, where: str) -> str:
    if id not in names:
        raise ValueError(f"an annotation names {id!r}, which is not among its {where}")
    return names[id]


def _csv(file: Path) -> Iterator[tuple[str, PixelPrompt]]:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        try:
            delimiter = max(DELIMITERS, key=lines.readline().count)
            lines.seek(0)
            rows = csv.DictReader(lines, delimiter=delimiter)
            for row in rows:
                yield _of_row(row, f"{file}, line {rows.line_num}")
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{file}: not CSV in UTF-8 ({error}). Save it as that") from None


def _of_row(row: Mapping[str, str], place: str) -> tuple[str, PixelPrompt]:
    try:
        corners = CORNERS if row.get("left") else ("x", "y", "x", "y")
        return row["file"], _checked(row["label"], *(float(row[name]) for name in corners))
    except (ValueError, KeyError, TypeError):
        told = ", ".join(f"{name}={value}" for name, value in row.items())
        wanted = "file, label, and left, top, right, bottom or x, y, and a box ends after it begins"
        raise ValueError(f"{place}: {told:.200}. It needs {wanted}") from None


def _checked(label: Any, left: float, top: float, right: float, bottom: float) -> PixelPrompt:
    """ValueError where the label or a number is none, or the box ends before it begins."""
    if not (label and isinstance(label, str) and left <= right and top <= bottom):
        raise ValueError(f"{label!r} at {left}, {top}, {right}, {bottom}")
    return PixelPrompt(label, (left, top, right, bottom))

"""COCO: one file, `annotations.json`; masks as compressed run lengths, or as polygons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from click99.export.files import save_picture
from click99.export.pictures import LabelledMask, Picture
from click99.files import write_json
from click99.labelstudio.polygon import outline


def write_run_lengths(out: Path, pictures: Iterable[Picture], labels: Sequence[str]) -> None:
    """Masks to the pixel, `iscrowd` 0 all the same."""
    _write(out, pictures, labels, _run_lengths)


def write_polygons(out: Path, pictures: Iterable[Picture], labels: Sequence[str]) -> None:
    """One ring an object along its pixels' edges; holes and further parts are joined to it by bridges of no
    area. For tools that read no run lengths."""
    _write(out, pictures, labels, _polygon)


def _write(out: Path, pictures: Iterable[Picture], labels: Sequence[str], form: Any) -> None:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for picture in pictures:
        height, width = picture.size
        file = save_picture(out / "images", picture)
        images.append({"id": len(images) + 1, "file_name": file, "width": width, "height": height})
        for found in picture.objects:
            told = {"id": len(annotations) + 1, "image_id": len(images), "iscrowd": 0}
            told["category_id"] = labels.index(found.label) + 1
            annotations.append(told | _facts(found) | {"segmentation": form(found)})
    categories = [{"id": k, "name": label} for k, label in enumerate(labels, 1)]
    write_json(
        out / "annotations.json", {"images": images, "annotations": annotations, "categories": categories}
    )


def _facts(found: LabelledMask) -> dict[str, Any]:
    left, top, right, bottom = found.box
    return {"area": int(found.mask.sum()), "bbox": [left, top, right - left, bottom - top]}


def _run_lengths(found: LabelledMask) -> dict[str, Any]:
    told: Any = coco.encode(np.asfortranarray(found.mask.view(np.uint8)))
    return {"size": list(told["size"]), "counts": told["counts"].decode()}


def _polygon(found: LabelledMask) -> list[list[float]]:
    height, width = found.mask.shape
    ring = np.array(outline(found.mask, 0)) * (width / 100, height / 100)
    return [ring.round(1).reshape(-1).tolist()]

"""The forms that need one short function each; COCO has a file of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from click99.export.files import classes, cut_out, instances, save, save_picture
from click99.export.names import folders
from click99.export.pictures import LabelledMask, Picture
from click99.files import write_json
from click99.labelstudio.polygon import outline

MOST = 254  # numbers: 255 is VOC's void border


def write_yolo(out: Path, pictures: Iterable[Picture], labels: Sequence[str]) -> None:
    """Segmentation labels of Ultralytics: a line an object, its class and one ring in shares of the sides;
    holes and further parts are joined to it by bridges of no area."""
    (out / "labels").mkdir(parents=True)
    for picture in pictures:
        save_picture(out / "images", picture)
        lines = [_yolo_line(found, labels) for found in picture.objects]
        (out / "labels" / f"{picture.name}.txt").write_text("".join(lines))
    names = "".join(f"  {k}: {json.dumps(label, ensure_ascii=False)}\n" for k, label in enumerate(labels))
    (out / "data.yaml").write_text(f"path: .\ntrain: images\nval: images\nnames:\n{names}", "utf-8")


def _yolo_line(found: LabelledMask, labels: Sequence[str]) -> str:
    ring = np.array(outline(found.mask, 0)).reshape(-1) / 100
    return f"{labels.index(found.label)} {' '.join(f'{value:.6f}' for value in ring)}\n"


def write_masks(out: Path, pictures: Iterable[Picture], labels: Sequence[str]) -> None:
    """Grey PNGs: each pixel's label in `classes`, its object in `instances`, both from 1, 0: nothing.
    `labels.json` names them. Where masks overlap the smaller one lies above."""
    for picture in pictures:
        save_picture(out / "images", picture)
        save(out / "classes" / f"{picture.name}.png", classes(picture, list(labels)))
        save(out / "instances" / f"{picture.name}.png", instances(picture))
    write_json(out / "labels.json", dict(enumerate(labels, 1)))


def write_voc(out: Path, pictures: Iterable[Picture], labels: Sequence[str]) -> None:
    """Pascal VOC's folders: boxes as XML, `SegmentationClass` and `SegmentationObject` as PNGs with its
    colours; no void border."""
    for picture in pictures:
        file = save_picture(out / "JPEGImages", picture)
        _coloured(out / "SegmentationClass" / f"{picture.name}.png", classes(picture, list(labels)))
        _coloured(out / "SegmentationObject" / f"{picture.name}.png", instances(picture))
        annotation = out / "Annotations" / f"{picture.name}.xml"
        annotation.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(_voc_tree(picture, file)).write(annotation, encoding="utf-8")
    (out / "labels.txt").write_text("".join(f"{label}\n" for label in ("background", *labels)), "utf-8")


def _coloured(file: Path, numbers: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if numbers.max() > MOST:
        raise ValueError(f"{file.stem}: more than {MOST} labels or objects, which is VOC's most. Use masks")
    image = Image.fromarray(numbers.astype(np.uint8))
    image.putpalette(VOC_COLOURS)
    image.save(file)


def _bits(number: int, channel: int) -> int:
    """VOC's colour of a number: its bits, three at a time, from the top."""
    return sum(((number >> (3 * k + channel)) & 1) << (7 - k) for k in range(8))


VOC_COLOURS = [_bits(number, channel) for number in range(256) for channel in range(3)]


def _voc_tree(picture: Picture, file: str) -> ElementTree.Element:
    root = ElementTree.Element("annotation")
    height, width = picture.size
    _add(root, {"filename": file, "size": {"width": width, "height": height, "depth": 3}, "segmented": 1})
    for found in picture.objects:
        left, top, right, bottom = found.box
        box = {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}  # from 1, ends included
        _add(root, {"object": {"name": found.label, "difficult": 0, "bndbox": box}})
    return root


def _add(parent: ElementTree.Element, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        child = ElementTree.SubElement(parent, name)
        if isinstance(value, dict):
            _add(child, value)
        else:
            child.text = str(value)


def write_cut_outs(out: Path, pictures: Iterable[Picture], labels: Sequence[str]) -> None:
    """RGBA PNGs of the objects' boxes, a folder a label."""
    inside = folders(labels)
    for picture in pictures:
        for k, found in enumerate(picture.objects):
            save(out / inside[found.label] / f"{picture.name}_{k}.png", cut_out(picture, found))


def write_image_folder(out: Path, pictures: Iterable[Picture], labels: Sequence[str]) -> None:
    """Hugging Face's: `load_dataset("imagefolder", data_dir=…)` gives a row a picture with its image, a mask
    of labels, one of objects, and the objects' boxes (left, top, width, height) and labels."""
    lines = []
    for picture in pictures:
        save_picture(out / "images", picture)
        save(out / "classes" / f"{picture.name}.png", classes(picture, list(labels)))
        save(out / "instances" / f"{picture.name}.png", instances(picture))
        lines.append(json.dumps(_row(picture), ensure_ascii=False))
    (out / "metadata.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    write_json(out / "labels.json", dict(enumerate(labels, 1)))


def _row(picture: Picture) -> dict[str, Any]:
    files = {"file_name": "images", "classes_file_name": "classes", "instances_file_name": "instances"}
    boxes = [(left, top, right - left, bottom - top) for left, top, right, bottom in picture.boxes]
    return {
        **{column: f"{folder}/{picture.name}.png" for column, folder in files.items()},
        "objects": {"bbox": boxes, "category": [found.label for found in picture.objects]},
    }

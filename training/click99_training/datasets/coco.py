"""COCO's instance annotations, also LVIS's and those that Label Studio exports."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle

from click99_training.datasets.dataset import Instance, InstanceDataset
from click99_training.datasets.image_files import SampleError, sample_of
from click99_training.datasets.sample import Sample

# (annotations, folder of the images), tried in this order.
LAYOUTS = (
    ("annotations/instances_{split}2017.json", "{split}2017"),
    ("annotations/instances_{split}2014.json", "{split}2014"),
    ("annotations/instances_{split}.json", "{split}"),
    ("lvis_v1_{split}.json", ""),
    ("result.json", ""),  # Label Studio's export in COCO's format, which has no splits
)


class Coco(InstanceDataset):
    """One sample per annotation; crowds are nobody's sample and void in everybody's."""

    def __init__(self, folder: Path, split: str):
        annotations, self.images_folder = _layout(folder, split)
        content = _parsed(annotations)
        self.images = {image["id"]: image for image in content["images"]}
        self.crowds: dict[Any, list[dict]] = defaultdict(list)  # of an image
        self.neighbours: dict[Any, list[dict]] = defaultdict(list)
        self.singles = [each for each in content["annotations"] if not each.get("iscrowd")]
        for each in content["annotations"]:
            of_image = self.crowds if each.get("iscrowd") else self.neighbours
            of_image[each["image_id"]].append(each)
        super().__init__([self._instance(k, each) for k, each in enumerate(self.singles)])

    def __getitem__(self, k: int) -> Sample:
        annotation = self.singles[k]
        where = self.objects[k]
        path = self.images_folder / where.image
        image = self.images[annotation["image_id"]]
        void = np.zeros((image["height"], image["width"]), bool)
        for crowd in self.crowds[annotation["image_id"]]:
            void |= _decoded(crowd, image)
        truth = _decoded(annotation, image)
        sample = sample_of(f"{path.stem}_{annotation['id']}", path, truth, void & ~truth)
        return replace(sample, others=np.where(truth | void, 0, self._others(annotation, image)))

    def _others(self, annotation: dict, image: dict) -> np.ndarray:
        """The image's other objects: uint8 [H, W], numbered from 1; all beyond the 254th as one."""
        others = np.zeros((image["height"], image["width"]), np.uint8)
        for number, other in enumerate(self.neighbours[annotation["image_id"]], 1):
            if other is annotation:
                continue
            with suppress(SampleError):  # it is named when its own turn comes
                others[_decoded(other, image)] = min(number, 255)
        return others

    def _instance(self, k: int, annotation: dict) -> Instance:
        image = self.images.get(annotation["image_id"])
        if image is None:
            raise ValueError(
                f"annotation {annotation['id']} is of image {annotation['image_id']}, not listed"
            )
        # LVIS names images by their address alone, whose end is split and file.
        name = image.get("file_name") or "/".join(image["coco_url"].split("/")[-2:])
        return Instance(name, k, annotation.get("area", np.inf))


def _layout(folder: Path, split: str) -> tuple[Path, Path]:
    for file, images in LAYOUTS:
        path = folder / file.format(split=split)
        if path.is_file():
            return path, folder / images.format(split=split)
    wanted = ", ".join(file.format(split=split) for file, _ in LAYOUTS)
    raise FileNotFoundError(f"{folder} holds none of {wanted}")


def _parsed(path: Path) -> dict:
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
        raise ValueError(f"{path} has no images and annotations: is it COCO's instance format?")
    return content


def _decoded(annotation: dict, image: dict) -> np.ndarray:
    """The annotation's polygons or run lengths as bool [H, W]."""
    shape: Any = annotation.get("segmentation")
    pack: Any = rle.frPyObjects  # typed too narrowly
    try:
        packed = isinstance(shape, dict) and isinstance(shape["counts"], str)
        coded: Any = shape if packed else pack(shape, image["height"], image["width"])
        decoded = rle.decode(rle.merge(coded) if isinstance(coded, list) else coded)
    except Exception as error:  # pycocotools raises bare Exceptions too
        raise SampleError(
            f"annotation {annotation['id']}", f"its segmentation cannot be read: {error}"
        ) from None
    return decoded > 0

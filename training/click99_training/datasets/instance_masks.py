"""Masks that number the objects of an image, by official lists: Pascal VOC, and what SBD shares with it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import track

from click99_training.datasets.dataset import Instance, InstanceDataset
from click99_training.datasets.image_files import SampleError, need, read_mask, sample_of
from click99_training.datasets.sample import Sample

IGNORE = 255  # the band around VOC's objects, and what is no object of any class


class InstanceMasks(InstanceDataset):
    """One sample per number 1…254 in the masks of the listed images; 255 is void."""

    def __init__(self, names: list[str], title: str):
        watched = track(names, f"reading {title}", transient=True, disable=len(names) < 100)
        super().__init__([each for name in watched for each in self._objects(name)])

    @abstractmethod
    def numbers(self, name: str) -> np.ndarray:
        """The object at every pixel, uint8 [H, W]: 0 background, 1…254 objects, 255 void."""

    @abstractmethod
    def image(self, name: str) -> Path: ...

    def __getitem__(self, k: int) -> Sample:
        where = self.objects[k]
        numbers = self.numbers(where.image)
        if not where.number:
            raise SampleError(where.image, "its mask could not be read when the data set was opened")
        name = f"{where.image}_{where.number}"
        sample = sample_of(name, self.image(where.image), numbers == where.number, numbers == IGNORE)
        return replace(sample, others=np.where(sample.truth | sample.void, 0, numbers))

    def _objects(self, name: str) -> list[Instance]:
        try:
            areas = np.bincount(self.numbers(name).ravel(), minlength=256)[:IGNORE]
        except SampleError:
            return [Instance(name, 0, np.inf)]  # to be met, and named, like any other sample
        return [Instance(name, int(k), float(areas[k])) for k in np.flatnonzero(areas) if k]


class PascalVoc(InstanceMasks):
    """VOCdevkit/VOC2012: JPEGImages, SegmentationObject and ImageSets/Segmentation/SPLIT.txt.

    split: train, val or trainval; 1,464, 1,449 and 2,913 images.
    """

    def __init__(self, folder: Path, split: str):
        self.folder = inner_folder(folder, ("", "VOC2012", "VOCdevkit/VOC2012"), "SegmentationObject")
        super().__init__(listed(self.folder / "ImageSets" / "Segmentation" / f"{split}.txt"), "Pascal VOC")

    def numbers(self, name: str) -> np.ndarray:
        return read_mask(self.folder / "SegmentationObject" / f"{name}.png", indices=True)

    def image(self, name: str) -> Path:
        return self.folder / "JPEGImages" / f"{name}.jpg"


def inner_folder(folder: Path, places: tuple[str, ...], part: str) -> Path:
    """The folder that holds `part`, if it was unpacked in one of `places` below `folder`."""
    for place in places:
        if (folder / place / part).is_dir():
            return folder / place
    raise FileNotFoundError(f"{folder / places[-1] / part} does not exist, nor {folder / part}")


def listed(path: Path) -> list[str]:
    """The names in an official list, one a line."""
    return need(path, "the official list of the split's images").read_text().split()

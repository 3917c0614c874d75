"""Data sets by name, as `--dataset` takes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.davis import open_davis
from click99_training.datasets.folders import GRABCUT, FrameFolder, MaskFolder, MatteFolder
from click99_training.datasets.instance_masks import PascalVoc
from click99_training.datasets.manifest import ManifestDataset
from click99_training.datasets.shards import ShardDataset
from click99_training.datasets.synthetic import SyntheticSet


def _sbd(folder: Path, split: str) -> SampleDataset:
    from click99_training.datasets.sbd import Sbd  # needs scipy

    return Sbd(folder, split)


def _coco(folder: Path, split: str) -> SampleDataset:
    from click99_training.datasets.coco import Coco  # needs pycocotools

    return Coco(folder, split)


SHARDS = "shards"  # the one that needs no folder

# Those that come without splits take what they have for every split.
DATASETS: dict[str, Callable[[Path, str], SampleDataset]] = {
    "manifest": ManifestDataset,
    "folder": lambda folder, split: MaskFolder(folder),
    "mattes": lambda folder, split: MatteFolder(folder),
    "synthetic": lambda folder, split: SyntheticSet(folder),
    "grabcut": lambda folder, split: MaskFolder(folder, GRABCUT),
    "berkeley": lambda folder, split: MaskFolder(folder),
    "davis": open_davis,
    "coco-mval": lambda folder, split: FrameFolder(folder),
    "sbd": _sbd,
    "voc": PascalVoc,
    "coco": _coco,
}


def open_dataset(name: str, place: Path | str, split: str) -> SampleDataset:
    """The data set called `name` in `place`, in the layout it is released in (docs/how-to/data-sets.md).

    Args:
        place: a folder; of shards also s3://bucket/folder.
        split: train, val, or whatever list the release has; without meaning where it has none.

    Raises:
        ValueError: the name is unknown; FileNotFoundError: what is missing.
        ModuleNotFoundError: SBD needs scipy, COCO pycocotools, a bucket s3fs.
        ShardError: of shards.
    """
    if name == SHARDS:
        return ShardDataset(str(place), split)
    if name not in DATASETS:
        raise ValueError(f"dataset {name!r} is unknown, there is: {', '.join([*DATASETS, SHARDS])}")
    if "://" in str(place):
        raise ValueError(f"{place}: of a bucket only --dataset {SHARDS} is read. Give a folder")
    return DATASETS[name](Path(place), split)

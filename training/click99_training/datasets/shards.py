"""Snapshots in tar files, on a disk or in a bucket, read record by record (written by learning/shards.py).

    PLACE/train-000000.tar  records, one after the other: KEY.png, an image; KEY.0.mask.png, its masks;
                            KEY.HASH.start.png, masks that clicks began with; KEY.json, lines of clicks.jsonl
    PLACE/train.npy         where each mask lies: its shard, its record's first byte and size, its number
    PLACE/clicks.jsonl      the snapshot's
    PLACE/manifest.json     the snapshot's manifest, and a checksum of every file; written last

The layout is WebDataset's, so its readers take the files as they are. Here a record is a range of bytes that
is asked for when a crop needs it: draws are those of the whole data, not of a buffer, a run goes on bit for
bit, and no more than the places of the masks is in memory, 32 bytes each.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.sample import Sample
from click99_training.datasets.snapshot_dataset import (
    SnapshotDataset,
    SnapshotMask,
    draw_of,
    first_of,
    mask_of,
    masks_of,
)
from click99_training.recipes import Recipe

PATIENCE = {
    "connect_timeout": 20,
    "read_timeout": 60,
    "retries": {"mode": "standard", "total_max_attempts": 8},
}


class ShardError(OSError):
    """The place of shards is away, refuses, or holds none; names it, the reason and the remedy."""

    def __str__(self) -> str:
        """Without the trace that PyTorch puts before what happened in a process that makes crops."""
        return super().__str__().rpartition("ShardError: ")[2].strip()


@dataclass(frozen=True)
class Member:
    """A file of a record, under the name that it had in the snapshot's folder."""

    place: str
    content: bytes

    @property
    def name(self) -> str:
        return PurePosixPath(self.place).name

    @property
    def stem(self) -> str:
        return PurePosixPath(self.place).stem

    def read_bytes(self) -> bytes:
        return self.content

    def __str__(self) -> str:
        return self.place


class ShardDataset(SampleDataset):
    """A snapshot's masks of one split, in shards. By number each comes with its first way's clicks.

    Errors, of all methods but where SampleDataset says others: ShardError; ModuleNotFoundError without s3fs.
    """

    def __init__(self, place: str, split: str):
        self.place, self.split = place.rstrip("/"), split
        with asking(self.place) as files:
            files.cat_file(f"{self.place}/manifest.json")
            index = files.cat_file(f"{self.place}/{split}.npy")
        self.rows = np.load(io.BytesIO(index), allow_pickle=False)  # pyright: ignore[reportArgumentType]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, k: int) -> Sample:
        return first_of(self.opened(k))

    def draw(self, rng: np.random.Generator, recipe: Recipe) -> Sample:
        """As `SnapshotDataset.draw`."""
        return draw_of(self.opened(int(rng.integers(len(self)))), rng, recipe)

    def opened(self, k: int) -> SnapshotMask:
        """A mask, with its files' content."""
        shard, begin, size, number = (int(each) for each in self.rows[k])
        file = f"{self.place}/{shard_name(self.split, shard)}"
        with asking(self.place) as files:
            content: Any = files.cat_file(file, start=begin, end=begin + size)
        try:
            return _mask_of(content, number, file)
        except (tarfile.TarError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise SampleError(f"{file}, byte {begin}", f"its record is damaged: {error!r}") from None


class ShardSnapshot(SnapshotDataset):
    """A whole snapshot in shards, known by its lines; pixels are read when a sample is asked for.

    Errors: as of ShardDataset; ValueError for a damaged line.
    """

    def __init__(self, place: str):
        self.place = place.rstrip("/")
        with asking(self.place) as files:
            told: Any = files.cat_file(f"{self.place}/clicks.jsonl")
        lines = told.decode().splitlines()
        self.masks = masks_of(lines, lambda name: Member(name, b""), f"{self.place}/clicks.jsonl")
        splits: dict[str, list[str]] = {}
        for saved in self.masks:
            splits.setdefault(PurePosixPath(str(saved.mask)).parts[0], []).append(saved.mask.stem)
        self._parts = {split: ShardDataset(self.place, split) for split in splits}
        self._places = {
            name: (split, k) for split, names in splits.items() for k, name in enumerate(names)
        }  # a split's lines have the order of its index

    def opened(self, k: int) -> SnapshotMask:
        """A mask, with its files' content."""
        split, number = self._places[self.masks[k].mask.stem]
        return self._parts[split].opened(number)


def open_snapshot(place: Path | str) -> SnapshotDataset:
    """A snapshot where it lies: a folder, or s3://bucket/folder with its shards.

    Raises:
        OSError, ValueError: as SnapshotDataset and ShardSnapshot.
    """
    return ShardSnapshot(str(place)) if "://" in str(place) else SnapshotDataset(Path(place))


def shard_name(split: str, number: int) -> str:
    return f"{split}-{number:06}.tar"


def tar_name(key: str, place: str) -> str:
    """What a snapshot's file is called in the record of the image `key`."""
    path = PurePosixPath(place)
    rest = {"images": "", "masks": f".{path.stem.rpartition('_')[2]}.mask"}.get(path.parent.name)
    return f"{key}{f'.{path.stem}.start' if rest is None else rest}.png"


def _mask_of(record: bytes, number: int, shard: str) -> SnapshotMask:
    with tarfile.open(fileobj=io.BytesIO(record), mode="r:") as tar:
        read = {info.name: tar.extractfile(info).read() for info in tar}  # pyright: ignore
    (told,) = (name for name in read if name.endswith(".json"))
    key = told.removesuffix(".json")

    def file(place: str) -> Member:
        return Member(f"{shard}/{place}", read[tar_name(key, place)])

    return mask_of(json.loads(read[told])[number], file)


@contextmanager
def asking(place: str) -> Iterator[AbstractFileSystem]:
    """What reads and writes at `place`, a folder or s3://bucket/folder; each process has its own.

    The variables AWS_… tell where a bucket is and who asks. ShardError for what it does not do.
    """
    if "://" not in place:
        files: AbstractFileSystem = LocalFileSystem(auto_mkdir=True)
        failures: tuple[type[Exception], ...] = (OSError,)
    else:
        from botocore.exceptions import BotoCoreError
        from s3fs import S3FileSystem

        files, failures = (
            S3FileSystem(config_kwargs=PATIENCE, use_listings_cache=False),
            (OSError, BotoCoreError),
        )
    try:
        yield files
    except failures as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        remedy = (
            "Check the address, the variables AWS_… and the way there"
            if "://" in place
            else "Check the folder"
        )
        raise ShardError(f"{place} gives no shards ({reason}). {remedy}") from error

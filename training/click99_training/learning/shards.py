"""`click99 shards`: a snapshot becomes a few large files, on a disk or in a bucket (datasets/shards.py)."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import tarfile
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from click99.progress import QUIET, Tick
from click99_training.datasets.shards import asking, shard_name, tar_name
from click99_training.learning.snapshots import SPLITS, SnapshotError, verify

SHARD_BYTES = 128 * 2**20  # from which the next one begins

Lines = list[dict[str, Any]]  # of clicks.jsonl, of one image


def write_shards(
    snapshot: Path, out: str, tick: Tick = QUIET, shard_bytes: int = SHARD_BYTES
) -> dict[str, int]:
    """Write a snapshot's masks to `out`, a folder or s3://bucket/folder -> how many of each split.

    What is unfinished has no manifest, and the same call writes over it. Memory holds one image's files, and
    the snapshot's manifest, some 2 kB a mask. tick: told after each image.
    SnapshotError when `out` holds one already, or the snapshot is not as it was made; ShardError as `asking`.
    """
    facts, out = verify(snapshot), out.rstrip("/")
    with asking(out) as files:
        if files.exists(f"{out}/manifest.json"):
            raise SnapshotError(f"{out}: it holds a snapshot, and none ever changes. Choose another place")
    sums: dict[str, str] = {}
    masks: dict[str, int] = {}
    images = sum(1 for name in facts["files"] if Path(name).parent.name == "images")
    done = itertools.count(1)
    for split, _ in SPLITS:
        writer = _SplitWriter(snapshot, out, split, shard_bytes, sums)
        for lines in _by_image(snapshot, split):
            writer.add(lines)
            tick(next(done), images)
        masks[split] = writer.close()
    with asking(out) as files:
        files.put_file(str(snapshot / "clicks.jsonl"), f"{out}/clicks.jsonl")
    sums["clicks.jsonl"] = facts["files"]["clicks.jsonl"]
    _put(out, "manifest.json", json.dumps(facts | {"files": sums}, indent=1).encode(), {})
    return masks


class _SplitWriter:
    """One shard after the other, each in a file of this machine until it is full."""

    def __init__(self, snapshot: Path, out: str, split: str, shard_bytes: int, sums: dict[str, str]):
        self._snapshot, self._out, self._split = snapshot, out, split
        self._shard_bytes, self._sums = shard_bytes, sums
        self._rows, self._shard = array("q"), 0
        self._begin()

    def add(self, lines: Lines) -> None:
        """An image with all its masks."""
        key, begin = _key(lines[0]), self._tar.offset
        for place in sorted(_places(lines)):
            self._member(tar_name(key, place), (self._snapshot / place).read_bytes())
        self._member(f"{key}.json", json.dumps(lines).encode())
        for number in range(len(lines)):
            self._rows.extend((self._shard, begin, self._tar.offset - begin, number))
        if self._tar.offset >= self._shard_bytes:
            self._end()
            self._shard += 1
            self._begin()

    def close(self) -> int:
        """-> how many masks there are."""
        self._end()
        rows = np.asarray(self._rows, np.int64).reshape(-1, 4)
        np.save(index := io.BytesIO(), rows)
        _put(self._out, f"{self._split}.npy", index.getvalue(), self._sums)
        return len(rows)

    def _member(self, name: str, content: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        self._tar.addfile(info, io.BytesIO(content))
        self._tar.members.clear()  # pyright: ignore  # kept until the shard ends, a kilobyte each

    def _begin(self) -> None:
        self._file: IO[bytes] = tempfile.NamedTemporaryFile(suffix=".tar")  # noqa: SIM115
        self._tar = tarfile.open(fileobj=self._file, mode="w")  # noqa: SIM115

    def _end(self) -> None:
        begun = self._tar.offset > 0
        self._tar.close()
        self._file.flush()
        with self._file:
            if begun:
                self._file.seek(0)
                name = shard_name(self._split, self._shard)
                self._sums[name] = hashlib.file_digest(self._file, "sha256").hexdigest()  # type: ignore[arg-type]
                with asking(self._out) as files:
                    files.put_file(self._file.name, f"{self._out}/{name}")


def _by_image(snapshot: Path, split: str) -> Iterator[Lines]:
    """In the order of clicks.jsonl, where an image's lines stand together."""
    with (snapshot / "clicks.jsonl").open() as file:
        told = (json.loads(line) for line in file)
        for _, lines in itertools.groupby(
            (line for line in told if line["mask"].startswith(f"{split}/")), _key
        ):
            yield list(lines)


def _key(line: dict[str, Any]) -> str:
    return Path(line["mask"]).stem.rpartition("_")[0]


def _places(lines: Lines) -> set[str]:
    """The names of all files that the lines are about."""
    split, key = lines[0]["mask"].partition("/")[0], _key(lines[0])
    starts = {click["start"] for line in lines for click in line["clicks"] if click["start"]}
    return {f"{split}/images/{key}.png", *(line["mask"] for line in lines), *starts}


def _put(out: str, name: str, content: bytes, sums: dict[str, str]) -> None:
    sums[name] = hashlib.sha256(content).hexdigest()
    with asking(out) as files:
        files.pipe_file(f"{out}/{name}", content)

"""One registry for several machines: its files in a bucket, of which each machine keeps a copy.

Whoever reads, reads the copy, so a bucket that is away stops no click. Whoever writes, writes to the bucket
first, and only over what it last read there: of two machines that write at once, one starts over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click99.files import json_bytes, replacing, write_json
from click99.registry.check import RegistryError

if TYPE_CHECKING:
    from s3fs import S3FileSystem

ANSWER_SECONDS = 5  # that the storage may be silent
TRIES = {"mode": "standard", "total_max_attempts": 2}  # of each request; waits a little between them
OVERTAKEN = ("PreconditionFailed", "ConditionalRequestConflict")  # in S3's words
CHECKPOINT = ".safetensors"  # named by its content: never written twice, so its name and size tell it


class StorageError(RegistryError):
    """The storage is away, refuses, or is none; names it, its reason, and the remedy."""


class OvertakenError(RegistryError):
    """Another machine wrote a file since it was read."""


class Storage:
    """What lies at `url`, s3://bucket/folder, copied to `folder`. One process at a time may use a folder.

    Where it is and who asks, the variables of AWS tell: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and so on.

    Raises, all methods:
        StorageError. OSError when the disk does not take the copy. ModuleNotFoundError without s3fs.
    """

    def __init__(self, url: str, folder: Path):
        self.url, self.folder = url.rstrip("/"), folder
        self.names: set[str] = set()  # of the files in the bucket, at the last pull

    def pull(self) -> None:
        """Bring the copy up to date. What is missing in the bucket stays in the copy."""
        there = self._list()
        self.names = set(there)
        copied = {name: etag for name, etag in self._copied().items() if name in there}
        for name in sorted(there, key=_when):
            etag, size = there[name]
            if not self._has(name, size, copied.get(name) == etag):
                self._fetch(name)
            copied[name] = etag
        self._note(copied)

    def put_json(self, name: str, value: Any) -> None:
        """Write a file over the one that was pulled, there and here. OvertakenError if another lies there."""
        known, content = self._copied(), json_bytes(value)
        unchanged = {"IfMatch": known[name]} if name in known else {"IfNoneMatch": "*"}
        with self._asking():
            written: Any = self._files.pipe_file(f"{self.url}/{name}", content, **unchanged)
        with replacing(self.folder / name) as file:
            file.write(content)
        self._note(known | {name: written["ETag"].strip('"')})

    def put_checkpoint(self, file: Path) -> None:
        """Copy one of `folder` there."""
        with self._asking():
            self._files.put_file(str(file), f"{self.url}/{file.name}")

    def remove(self, name: str) -> None:
        """Delete a file there, if it is there."""
        with self._asking():
            if self._files.exists(f"{self.url}/{name}"):
                self._files.rm_file(f"{self.url}/{name}")

    def _list(self) -> dict[str, tuple[str, int]]:
        """ETag and size of each file."""
        root = self.url.removeprefix("s3://")
        with self._asking():
            found: Any = self._files.find(root, detail=True)
        names = {path.removeprefix(f"{root}/"): facts for path, facts in found.items()}
        return {
            name: (facts["ETag"].strip('"'), facts["size"])
            for name, facts in names.items()
            if "/" not in name and name.endswith((".json", CHECKPOINT))
        }

    def _has(self, name: str, size: int, same: bool) -> bool:
        try:
            return (same or name.endswith(CHECKPOINT)) and (self.folder / name).stat().st_size == size
        except FileNotFoundError:
            return False

    def _fetch(self, name: str) -> None:
        with self._asking():
            content: Any = self._files.cat_file(f"{self.url}/{name}")
        with replacing(self.folder / name) as file:
            file.write(content)

    def _copied(self) -> dict[str, str]:
        """The ETags of what the copy holds."""
        try:
            return dict(json.loads(self._notes.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return {}

    def _note(self, copied: dict[str, str]) -> None:
        if copied != self._copied():
            write_json(self._notes, copied)

    @property
    def _notes(self) -> Path:
        return self.folder / ".copied"

    @cached_property
    def _files(self) -> S3FileSystem:
        from s3fs import S3FileSystem

        patience: dict[str, Any] = {"connect_timeout": ANSWER_SECONDS, "read_timeout": ANSWER_SECONDS}
        files = S3FileSystem(config_kwargs=patience | {"retries": TRIES}, use_listings_cache=False)
        files.retries = 1  # on top of those
        return files

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self._files  # noqa: B018  a missing s3fs is no matter of the storage
        from botocore.exceptions import BotoCoreError

        try:
            yield
        except (OSError, BotoCoreError) as error:
            answer = getattr(error.__cause__, "response", {}).get("Error", {})
            if answer.get("Code") in OVERTAKEN:
                raise OvertakenError(f"{self.url}: another machine was faster. Try again") from error
            remedy = "Check CLICK99_REGISTRY_URL, the variables AWS_… and the way there"
            reason = str(error) or type(error).__name__
            raise StorageError(f"{self.url} does not do what it is asked ({reason}). {remedy}") from error


def _when(name: str) -> int:
    """Its turn: a card after its checkpoint, the pointers after all cards, so that none names what lacks."""
    return 0 if name.endswith(CHECKPOINT) else 2 if name.startswith("served.") else 1

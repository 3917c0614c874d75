"""Files and folders that a reader never sees half of, and their checksums. Any room may use this."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def replacing(path: Path, mode: int = 0o644, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the place of `path` when it is whole, as `replacement` says.

    durable: wait until it is on the disk; without, the machine's end may leave it empty.
    """
    with replacement(path, mode) as unfinished, unfinished.open("wb") as file:
        yield file
        file.flush()
        if durable:
            os.fsync(file.fileno())


@contextmanager
def replacement(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """An empty file beside `path`, which takes its place when it is whole: for those who write by name.

    mode: its permissions. When anything fails, `path` stays as it was and nothing is left behind; OSError
    names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".unfinished")
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        unfinished.chmod(mode)
        unfinished.replace(path)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and not error.filename:
            error.filename = str(path)  # a full disk names no file
        raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` to fill, which takes its place when it is whole; `path` may be an empty one.

    When anything fails, `path` stays as it was and nothing is left behind; OSError names it.
    """
    path = path.resolve()
    unfinished = path.with_name(f".{path.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # of one that was killed
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk names no file
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    with replacing(path) as file:
        file.write(json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """For people to read, too."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def sha256(path: Path) -> str:
    """A file's, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

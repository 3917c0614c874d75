"""Fetched images as they are kept: pixels in memory, files on disk."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from click99.files import replacing

log = logging.getLogger(__name__)

SPARE = 16  # once it is full, a folder gets a sixteenth of its room back
SHARERS = 8  # processes that may write at once, until one of them looks how full the folder is
MAX_AGE = 24 * 3600.0  # seconds; what is behind an address may change


@dataclass(frozen=True, eq=False)
class Image:
    """key: hash of the encoded bytes. pixels: uint8 RGB [H, W, 3], read-only, EXIF orientation applied.

    conditions: headers that ask its host for another one only; none: the host gave nothing to ask with.
    """

    key: str
    pixels: np.ndarray
    conditions: Mapping[str, str] = field(default_factory=dict)


class DiskCache:
    """Files in a folder that only its owner can read, the newest up to max_bytes. Shared between processes.

    How full it is, is looked at as seldom as that allows: listing some thousands of files takes longer than
    writing one. A folder that can't be written is logged once; images are then fetched anew.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._unlooked = 0  # bytes that may be written before the next look
        self._broken = False

    def __contains__(self, name: str) -> bool:
        try:
            return abs(time.time() - (self._folder / name).stat().st_mtime) <= MAX_AGE
        except OSError:
            return False

    def get(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes() if name in self else None
        except OSError:
            return None

    def put(self, name: str, data: bytes) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(self._folder / name, mode=0o600, durable=False) as file:
                file.write(data)
            self._unlooked -= len(data)
            if self._unlooked < 0:
                self._forget_oldest()
        except OSError as error:
            if not self._broken:
                log.warning("CLICK99_HOME: images can't be kept in %s (%s)", self._folder, error)
            self._broken = True

    def _forget_oldest(self) -> None:
        """If there is more than may be, down to a little less."""
        with os.scandir(self._folder) as entries:
            files = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in entries)
        size = sum(size for _, size, _ in files)
        most = self._max_bytes if size <= self._max_bytes else self._max_bytes * (1 - 1 / SPARE)
        for _, file_size, path in files:
            if size <= most:
                break
            Path(path).unlink(missing_ok=True)
            size -= file_size
        self._unlooked = (self._max_bytes - size) // SHARERS

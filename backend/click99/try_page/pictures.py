"""Pictures that a page has sent, for as long as it may ask for their masks."""

from __future__ import annotations

import hashlib
import re
import threading
from pathlib import Path

from cachetools import LRUCache

from click99.labelstudio.errors import ImageTooLargeError
from click99.labelstudio.image_cache import DiskCache, Image
from click99.labelstudio.pixels import read_pixels

KEY = re.compile("[0-9a-f]{64}")
BYTES_PER_PIXEL = 3
DISK_BYTES = 2**30


class PictureForgottenError(LookupError):
    """It was never sent, or so long ago that it is not kept any more (caller: 404, and it sends it again)."""


class Pictures:
    """By the hash of their files' bytes. Thread-safe; the files lie in CLICK99_HOME, for every worker.

    max_bytes, max_pixels: of one picture. memory_bytes: of all pixels that are kept; more where one picture
    may have more.
    """

    def __init__(self, home: Path, max_bytes: int, max_pixels: int, memory_bytes: int = 2**26):
        self._max_bytes, self._max_pixels = max_bytes, max_pixels
        self._disk = DiskCache(home / "try-page", DISK_BYTES)
        memory = max(memory_bytes, BYTES_PER_PIXEL * max_pixels)
        self._memory: LRUCache[str, Image] = LRUCache(memory, lambda image: image.pixels.nbytes)
        self._lock = threading.Lock()

    def add(self, data: bytes) -> Image:
        """An image file, kept under the key that it comes back with. ImageError when it can't be used."""
        if len(data) > self._max_bytes:
            problem = f"{len(data) / 2**20:.0f} MB, and {self._max_bytes / 2**20:.0f} are allowed"
            raise ImageTooLargeError("picture", problem, "Send it smaller, or raise CLICK99_IMAGE_MB")
        image = self._decode(hashlib.sha256(data).hexdigest(), data)
        self._disk.put(image.key, data)
        return image

    def get(self, key: str) -> Image:
        """PictureForgottenError when it must be sent (again)."""
        with self._lock:
            kept = self._memory.get(key)
        if kept:
            return kept
        data = self._disk.get(key) if KEY.fullmatch(key) else None
        if data and hashlib.sha256(data).hexdigest() == key:  # a damaged copy is as good as none
            return self._decode(key, data)
        raise PictureForgottenError(f"picture: {key:.80} is not kept here. Send its file to /try/pictures")

    def _decode(self, key: str, data: bytes) -> Image:
        image = Image(key, read_pixels(data, "the picture", self._max_pixels))
        with self._lock:
            self._memory[key] = image
        return image

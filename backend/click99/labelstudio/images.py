"""Pixels for the address in a task: fetched once, decoded once, kept."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from cachetools import TTLCache

from click99.labelstudio.client import Client
from click99.labelstudio.fetch import Fetcher, host_allowed, shorten
from click99.labelstudio.image_cache import MAX_AGE, DiskCache, Image
from click99.labelstudio.pixels import read_pixels

__all__ = ["Image", "ImageSource", "host_allowed"]


class ImageSource:
    """Images by their address. Thread-safe; an image that several threads ask for is fetched once.

    home: CLICK99_HOME, where a copy of each fetched file is kept. allowed_hosts: see `host_allowed`.
    max_bytes, max_pixels: of one image. memory_bytes, disk_bytes: of all that is kept. timeout: seconds.
    """

    def __init__(
        self,
        home: Path,
        allowed_hosts: Collection[str] = (),
        label_studio: Client | None = None,
        *,
        max_bytes: int = 64 * 2**20,
        max_pixels: int = 8192 * 8192,
        memory_bytes: int = 512 * 2**20,
        disk_bytes: int = 4 * 2**30,
        timeout: float = 30.0,
    ) -> None:
        self._fetcher = Fetcher(allowed_hosts, max_bytes, timeout)
        self._fetcher.label_studio = label_studio
        self._max_pixels = max_pixels
        self._memory: TTLCache[str, Image, float] = TTLCache(
            memory_bytes, MAX_AGE, getsizeof=lambda image: image.pixels.nbytes
        )
        self._disk = DiskCache(home / "images", disk_bytes)
        self._pending: dict[str, Future[Image]] = {}
        self._lock = threading.Lock()

    def use_label_studio(self, client: Client) -> None:
        """From now on, Label Studio is the one of `client`. Whether to trust it is for the caller to say."""
        self._fetcher.label_studio = client

    def get(self, url: str) -> Image:
        """The image at a Label Studio path, at an http(s) URL or in a data URI.

        ImageError (see errors.py), or ApiError when Label Studio does not exchange a personal access token.
        """
        address = self._fetcher.resolve(url)
        name = hashlib.sha256(address.encode(errors="surrogatepass")).hexdigest()
        with self._lock:
            kept = self._memory.get(name)
        return kept or self._load_once(name, address)

    def _load_once(self, name: str, address: str) -> Image:
        with self._lock:
            pending = self._pending.get(name)
            mine = self._pending[name] = pending or Future()
        if pending:
            return pending.result()
        try:
            mine.set_result(self._load(name, address))
        except BaseException as error:
            mine.set_exception(error)
        with self._lock:
            del self._pending[name]
        return mine.result()

    def _load(self, name: str, address: str) -> Image:
        kept = self._disk.get(name)
        data = kept or self._fetcher.fetch(address)
        pixels = read_pixels(data, shorten(address), self._max_pixels)
        image = Image(hashlib.sha256(data).hexdigest(), pixels)
        if kept is None and not address.startswith("data:"):
            self._disk.put(name, data)
        with self._lock, suppress(ValueError):  # it alone is larger than the cache
            self._memory[name] = image
        return image

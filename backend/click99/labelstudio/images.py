"""Pixels for the address in a task: fetched once, decoded once, kept."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from cachetools import TTLCache

from click99.labelstudio.client import Client
from click99.labelstudio.errors import ImageError
from click99.labelstudio.fetch import Fetcher, shorten
from click99.labelstudio.image_cache import MAX_AGE, DiskCache, Image
from click99.labelstudio.pixels import read_pixels


class ImageSource:
    """Images by their address. Thread-safe; an image that several threads ask for is fetched once.

    home: CLICK99_HOME, where a copy of each fetched file is kept. allowed_hosts: see `fetch.host_allowed`.
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

    def get(self, url: str, task: str = "") -> Image:
        """The image at a Label Studio path, in cloud storage, at an http(s) URL or in a data URI.

        task: the id of the task that holds the address, which storage is asked for by.

        ImageError (see errors.py), or ApiError when Label Studio does not exchange a personal access token.
        """
        return self._load(self._fetcher.resolve(url, task)).result()

    def fetching(self, url: str, task: str = "") -> Future[Image] | None:
        """While an image must be fetched: the wait for it. None: `get` has it at once.

        ImageNotAllowedError at once; other errors come with the future.
        """
        address = self._fetcher.resolve(url, task)
        name = _name(address)
        with self._lock:
            here = name in self._memory or address.startswith("data:")
        return None if here or name in self._disk else self._load(address)

    def _load(self, address: str) -> Future[Image]:
        """Once for all who ask: what is on this machine in their thread, all else in the fetcher's."""
        name, mine = _name(address), Future[Image]()
        mine.set_running_or_notify_cancel()  # others may wait for it, too: who gives up does not cancel it
        with self._lock:
            if kept := self._memory.get(name):
                mine.set_result(kept)
                return mine
            loading = self._pending.setdefault(name, mine)
        if loading is not mine:
            return loading
        if address.startswith("data:"):
            self._settle(name, mine, lambda: self._decode(name, address, self._fetcher.data(address)))
        elif found := self._on_disk(name, address):
            self._settle(name, mine, lambda: found)
        else:
            self._fetcher.fetch(
                address, lambda get: self._settle(name, mine, lambda: self._fetched(name, address, get()))
            )
        return mine

    def _settle(self, name: str, loading: Future[Image], load: Callable[[], Image]) -> None:
        try:
            loading.set_result(load())
        except BaseException as error:
            loading.set_exception(error)
        with self._lock:
            del self._pending[name]

    def _on_disk(self, name: str, address: str) -> Image | None:
        """None, too, when the copy is damaged, or none that is allowed any more: it is fetched anew."""
        data = self._disk.get(name)
        with suppress(ImageError):
            return self._decode(name, address, data) if data else None

    def _fetched(self, name: str, address: str, data: bytes) -> Image:
        image = self._decode(name, address, data)
        self._disk.put(name, data)
        return image

    def _decode(self, name: str, address: str, data: bytes) -> Image:
        pixels = read_pixels(data, shorten(address), self._max_pixels)
        image = Image(hashlib.sha256(data).hexdigest(), pixels)
        with self._lock, suppress(ValueError):  # it alone is larger than the cache
            self._memory[name] = image
        return image


def _name(address: str) -> str:
    return hashlib.sha256(address.encode(errors="surrogatepass")).hexdigest()

"""Pixels for the address in a task: fetched once, decoded once, kept, and asked for again where a host tells
cheaply whether they have changed."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path

from cachetools import TTLCache

from click99.labelstudio.client import Client
from click99.labelstudio.data_uris import is_data_uri
from click99.labelstudio.errors import ImageError, LabelStudioError
from click99.labelstudio.fetch import CONDITIONS, Fetcher, File, shorten
from click99.labelstudio.image_cache import MAX_AGE, DiskCache, Image
from click99.labelstudio.pixels import read_pixels

log = logging.getLogger(__name__)

ASK_SECONDS = 10.0  # how long the answer holds that nothing has changed behind an address
REST_SECONDS = 300.0  # until a host that did not answer is asked for a change again
CONDITION_BYTES = 2**22


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
        self._conditions = DiskCache(home / "image-conditions", CONDITION_BYTES)
        self._asked: TTLCache[str, bool, float] = TTLCache(2**16, ASK_SECONDS)
        self._resting: TTLCache[str, bool, float] = TTLCache(2**16, REST_SECONDS)
        self._mended: TTLCache[str, bool, float] = TTLCache(2**16, ASK_SECONDS)
        self._pending: dict[str, Future[Image]] = {}
        self._lock = threading.Lock()

    def use_label_studio(self, client: Client) -> None:
        """From now on, Label Studio is the one of `client`. Whether to trust it is for the caller to say."""
        self._fetcher.label_studio = client

    def get(self, url: str, task: str = "", size: tuple[int, int] | None = None) -> Image:
        """The image at a Label Studio path, in cloud storage, at an http(s) URL or in a data URI.

        task: the id of the task that holds the address, which storage is asked for by. size: height and
        width as the asker sees it; a kept image of another size is fetched anew.
        ImageError (see errors.py), or ApiError when Label Studio does not exchange a personal access token.
        """
        return self._load(self._fetcher.resolve(url, task), size).result()

    def fetching(
        self, url: str, task: str = "", size: tuple[int, int] | None = None, *, anew: bool = False
    ) -> Future[Image] | None:
        """While an image must be fetched, or its host be asked for a newer one: the wait for it. None: `get`
        has it at once.

        anew: ask the host, though it was just asked. Other arguments: as of `get`. ImageNotAllowedError at
        once; other errors come with the future.
        """
        address = self._fetcher.resolve(url, task)
        if is_data_uri(address):
            return None
        if anew:
            with self._lock:
                self._asked.pop(_name(address), None)
        loading = self._load(address, size)
        return None if loading.done() else loading

    def _load(self, address: str, size: tuple[int, int] | None) -> Future[Image]:
        """Once for all who ask: what is on this machine in their thread, all else in the fetcher's."""
        name, mine = _name(address), Future[Image]()
        mine.set_running_or_notify_cancel()  # others may wait for it, too: who gives up does not cancel it
        with self._lock:
            kept = self._memory.get(name)
            if kept and self._is_right(name, kept, size):
                mine.set_result(kept)
                return mine
            loading = self._pending.setdefault(name, mine)
        if loading is not mine:
            return loading
        if is_data_uri(address):
            data = self._fetcher.data
            self._settle(name, mine, lambda: self._decode(name, address, File(data(address), {})))
            return mine
        kept = kept or self._on_disk(name, address)
        with self._lock:
            right = kept if kept and self._is_right(name, kept, size) else None
        if right:
            self._settle(name, mine, lambda: right)
        else:
            self._fetch(name, address, kept, size, mine)
        return mine

    def _is_right(self, name: str, kept: Image, size: tuple[int, int] | None) -> bool:
        """Whether its host need not be asked for another one. Under the lock."""
        if not _fits(kept, size) and name not in self._mended:
            return False
        return not kept.conditions or name in self._asked or name in self._resting

    def _fetch(
        self, name: str, address: str, kept: Image | None, size: tuple[int, int] | None, mine: Future[Image]
    ) -> None:
        fitting = kept if kept and _fits(kept, size) else None
        if kept and not fitting:
            with self._lock:
                self._mended[name] = True  # the asker may be wrong: not again at once
        conditions = fitting.conditions if fitting else {}
        load = partial(self._fetched, name, address, fitting)
        self._fetcher.fetch(address, conditions, lambda get: self._settle(name, mine, lambda: load(get)))

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
            return self._decode(name, address, File(data, self._conditions_of(name, data))) if data else None

    def _fetched(self, name: str, address: str, kept: Image | None, get: Callable[[], File | None]) -> Image:
        """What its host has now; when that can't be had, what is here."""
        with self._lock:
            self._asked[name] = True
        try:
            file = get()
        except LabelStudioError as error:
            if kept is None:
                raise
            log.warning("%s; the copy that was fetched before is used", error)
            with self._lock:
                self._resting[name] = True
            return self._keep(name, kept)
        if file is None:
            assert kept, "without a copy there are no conditions"
            return self._keep(name, kept)
        image = self._decode(name, address, file)
        self._disk.put(name, file.data)
        if file.conditions:
            self._conditions.put(name, json.dumps({"key": image.key, **file.conditions}).encode())
        return image

    def _conditions_of(self, name: str, data: bytes) -> dict[str, str]:
        """Those that came with these very bytes: two processes may write at once, and files be damaged."""
        try:
            told = json.loads(self._conditions.get(name) or b"{}")
            ours = told["key"] == _key(data)
            return {ask: str(told[ask]) for ask in CONDITIONS.values() if ask in told} if ours else {}
        except (ValueError, LookupError, TypeError):
            return {}

    def _decode(self, name: str, address: str, file: File) -> Image:
        pixels = read_pixels(file.data, shorten(address), self._max_pixels)
        return self._keep(name, Image(_key(file.data), pixels, file.conditions))

    def _keep(self, name: str, image: Image) -> Image:
        with self._lock, suppress(ValueError):  # it alone is larger than the cache
            self._memory[name] = image
        return image


def _fits(image: Image, size: tuple[int, int] | None) -> bool:
    return size is None or size == image.pixels.shape[:2]


def _key(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _name(address: str) -> str:
    return hashlib.sha256(address.encode(errors="surrogatepass")).hexdigest()

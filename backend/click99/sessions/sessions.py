"""The state between clicks, derived from the clicks' ids: find what is known, run only what is new."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from click99.labelstudio.prompts import Box
from click99.labelstudio.region_types import FOREGROUND
from click99.segmentation.clicks import Click
from click99.segmentation.sizes import UNKNOWN, Sizes
from click99.sessions.boxes import box_key, first_mask
from click99.sessions.corrections import Start, kept_corrections
from click99.sessions.known_sizes import KnownSizes
from click99.sessions.object_versions import ObjectVersions
from click99.sessions.refiner import Refiner
from click99.sessions.stores import Store

NEAR = 0.02  # of the image's long side


class SupersededError(Exception):
    """A newer request about the same object has made this one pointless."""


class VersionedMask(NamedTuple):
    """alpha: uint8 [H, W], alpha · 255, not to be written to. version: of the model that made it."""

    alpha: np.ndarray
    version: str

    @property
    def foreground(self) -> np.ndarray:
        """bool [H, W]."""
        return self.alpha > FOREGROUND

    @property
    def score(self) -> float:
        """How sure of its foreground the model is: 0 (there is none) to 1."""
        inside = self.alpha[self.foreground]
        return round(float(inside.mean()) / 255, 4) if inside.size else 0.0


class Sessions:
    """Masks by click ids.

    State k of an object is the mask after its first k clicks. Its key hashes the image, the model version,
    the mask they start from and those clicks' ids, places and signs, so undoing or deleting the last clicks
    leads back to a known state, and moving one to a new state. An unknown state is replayed from the longest
    known one; with nothing known (restart, eviction) the same masks come out bit for bit.

    One lock guards the network: a single step runs at a time (it uses every core), and a request looks the
    state up again once it holds the lock, so that two requests for one object compute no step twice. The
    lock is taken per step: a long replay lets other people's clicks through.
    """

    def __init__(
        self,
        predictor: Refiner,
        store: Store,
        count_reused: Callable[[int], None] = lambda steps: None,
        near: float = NEAR,
        versions: ObjectVersions | None = None,
        known_sizes: KnownSizes | None = None,
    ):
        """`count_reused` is told, at every request, how many steps were found instead of run. near: how far
        a click reaches on a mask to start from, as a share of the image's long side. versions: what objects
        run on; None: all on `predictor`. known_sizes: what objects were begun with; None: kept in `store`."""
        self._versions = versions or ObjectVersions(predictor, store)
        self._known_sizes = known_sizes or KnownSizes(store)
        self._near = near
        self._store = store
        self._count_reused = count_reused
        self._network = threading.Lock()

    @property
    def version(self) -> str:
        """The current model version: what new objects run on."""
        return self._versions.current.version

    def use(self, predictor: Refiner) -> None:
        """New objects run on it from now on; those that were begun are finished on theirs."""
        self._versions.use(predictor)

    def warm(self, image_key: str, image: np.ndarray) -> None:
        """Compute the image's features ahead of the first click. image: uint8 RGB [H, W, 3]."""
        with self._network:
            self._versions.current.for_image(image, image_key).prepare(image, image_key)

    def near(self, image: np.ndarray) -> float:
        """In pixels, how far a click reaches on an image [H, W, 3]."""
        return self._near * max(image.shape[:2])

    def mask(
        self,
        image_key: str,
        image: np.ndarray,
        clicks: Sequence[Click],
        start: Start | None = None,
        sizes: Sizes = UNKNOWN,
        superseded: Callable[[], bool] = lambda: False,
    ) -> VersionedMask:
        """The mask after all of `clicks`.

        Args:
            image_key: names the pixels; the same key always means the same pixels.
            image: uint8 RGB [H, W, 3].
            clicks: at least one, in order, each with an id of its own.
            start: the mask that they refine, None: nothing.
            sizes: of others of its kind, for an object that begins with these clicks; it keeps them.
            superseded: asked before each network step.

        Raises:
            SupersededError: `superseded` said so.
        """
        names = [click.id for click in clicks]
        predictor = self._versions.begin(names)
        sizes = UNKNOWN if start else self._known_sizes.begin(names, sizes)
        keys = self._keys(predictor.version, image_key, clicks, start, sizes)
        known, alpha = self._longest_known(keys, image.shape[:2])
        self._count_reused(known)
        for k in range(known, len(clicks)):
            with self._network:
                if superseded():
                    raise SupersededError
                alpha = self._step(predictor, image_key, image, clicks[: k + 1], alpha, keys[k], start, sizes)
        assert alpha is not None
        return VersionedMask(alpha, predictor.version)

    def box_mask(self, image_key: str, image: np.ndarray, box: Box) -> VersionedMask:
        """The mask of the object in a box, 0 outside it."""
        predictor = self._versions.begin([box.id])
        name = f"{predictor.version}\n{image_key}\n{box_key(box)}"
        key = hashlib.sha256(name.encode()).hexdigest()
        with self._network:
            alpha = self._kept(key, image.shape[:2])
            if alpha is None:
                alpha = first_mask(box, predictor.for_image(image, image_key), image, image_key)
                self._store.put(key, alpha.tobytes())
        return VersionedMask(alpha, predictor.version)

    def _keys(
        self, version: str, image_key: str, clicks: Sequence[Click], start: Start | None, sizes: Sizes
    ) -> list[str]:
        """One key per state: each hashes what it starts from and all clicks up to its own."""
        chain, keys = hashlib.sha256(f"{version}\n{image_key}".encode()), []
        if sizes.areas:
            chain.update(f"\n{sizes.areas}".encode())
        if start is not None:
            chain.update(f"\n{self._near}\n".encode() + start.key)
        for click in clicks:
            chain.update(f"\n{click.id!r} {click.x} {click.y} {click.positive}".encode())
            keys.append(chain.hexdigest())
        return keys

    def _longest_known(self, keys: Sequence[str], shape: tuple[int, ...]) -> tuple[int, np.ndarray | None]:
        """How many clicks the longest kept state covers, and that state's alpha."""
        for k in range(len(keys), 0, -1):
            alpha = self._kept(keys[k - 1], shape)
            if alpha is not None:
                return k, alpha
        return 0, None

    def _kept(self, key: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """The alpha of a state, read-only; None when the store does not know it, or it is damaged."""
        value = self._store.get(key)
        if value is None or len(value) != math.prod(shape):
            return None
        return np.frombuffer(value, np.uint8).reshape(shape)

    def _step(
        self,
        predictor: Refiner,
        image_key: str,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        key: str,
        start: Start | None,
        sizes: Sizes,
    ) -> np.ndarray:
        """The alpha after the last of `clicks`: kept by someone meanwhile, or run now and kept."""
        kept = self._kept(key, image.shape[:2])
        if kept is None:
            kept = self._run(predictor, image_key, image, clicks, previous, start, sizes)
            kept.flags.writeable = False
            self._store.put(key, kept.tobytes())
        return kept

    def _run(
        self,
        predictor: Refiner,
        image_key: str,
        image: np.ndarray,
        clicks: Sequence[Click],
        previous: np.ndarray | None,
        start: Start | None,
        sizes: Sizes,
    ) -> np.ndarray:
        if previous is None and start is not None:
            previous = start.alpha
        before = None if previous is None else previous.astype(np.float32) / 255
        network = predictor.for_image(image, image_key)
        alpha = np.rint(network.refine(image, clicks, before, image_key, sizes) * 255).astype(np.uint8)
        return alpha if start is None else kept_corrections(start, alpha, clicks, self.near(image))

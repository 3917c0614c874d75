"""The state between clicks, derived from the clicks' ids: find what is known, run only what is new."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakValueDictionary

import cv2
import numpy as np

from click99.labelstudio.prompts import Box
from click99.labelstudio.region_types import FOREGROUND
from click99.segmentation.clicks import Click
from click99.segmentation.crumbs import without_crumbs
from click99.segmentation.prior import UNKNOWN, Prior
from click99.segmentation.turns import TAKES_TURNS
from click99.sessions.boxes import Lasso, first_mask, own_click
from click99.sessions.corrections import Start, kept_corrections
from click99.sessions.object_versions import ObjectVersions
from click99.sessions.priors import Priors
from click99.sessions.refiner import Refiner
from click99.sessions.stores import State, Store
from click99.stages import stage

Beginning = Start | Box | Lasso  # what clicks correct: a mask, or the one of what is enclosed

NEAR = 0.02  # of the image's long side


class SupersededError(Exception):
    """A newer request about the same object has made this one pointless."""


class VersionedMask(NamedTuple):
    """alpha: uint8 [H, W], alpha · 255, not to be written to. version: of the model that made it. quality:
    the IoU that it expects, 0…1."""

    alpha: np.ndarray
    version: str
    quality: float

    @property
    def foreground(self) -> np.ndarray:
        """bool [H, W]."""
        return self.alpha > FOREGROUND

    @property
    def score(self) -> float:
        """The quality; 0 where nothing is foreground."""
        return round(self.quality, 4) if self.foreground.any() else 0.0


class Sessions:
    """Masks by click ids.

    State k of an object is the mask after its first k clicks. Its key hashes the image, the model version and
    what computes it, the mask they start from and those clicks' ids, places and signs, so undoing or deleting
    the last clicks leads back to a known state, and moving one to a new state. An unknown state is replayed
    from the longest known one; with nothing known (restart, eviction) the same masks come out bit for bit.

    An object has a lock while it is clicked on: a request looks its state up again once it holds that, so
    that two requests for one object compute no step twice. Different objects meet at the network, which
    makes one pass at a time: a long replay lets other people's clicks through.
    """

    def __init__(
        self,
        predictor: Refiner,
        store: Store,
        count_steps: Callable[[int, int], None] = lambda found, run: None,
        near: float = NEAR,
        versions: ObjectVersions | None = None,
        priors: Priors | None = None,
        smallest: float = 0.0,
    ):
        """count_steps is told, at every request, how many steps were found, and how many run. near: how far
        a click reaches on a mask to start from, as a share of the image's long side. versions: what objects
        run on; None: all on `predictor`. priors: what objects were begun with; None: kept in `store`.
        smallest: share of a mask below which its islands and holes go, as of `without_crumbs`."""
        self._versions = versions or ObjectVersions(predictor, store)
        self._priors = priors or Priors(store)
        self._near, self._smallest = near, smallest
        self._store = store
        self._count_steps = count_steps
        self._locks = WeakValueDictionary[str, threading.Lock]()  # of what is worked on, by its first state
        self._locking = threading.Lock()

    @property
    def version(self) -> str:
        """The current model version: what new objects run on, unless their project follows a line."""
        return self._versions.current.version

    def version_of(self, project: str) -> str:
        """What new objects of a project run on."""
        return self._versions.version_of(project)

    def use(self, predictor: Refiner, line: str = "") -> None:
        """New objects, or those of a line's projects, run on it from now on; those that were begun are
        finished on theirs."""
        self._versions.use(predictor, line)

    def warm(self, image_key: str, image: np.ndarray, project: str = "") -> None:
        """Compute the image's features ahead of the first click. image: uint8 RGB [H, W, 3]."""
        with _taking_turns():
            self._versions.of(project).for_image(image, image_key, project).prepare(image, image_key)

    def near(self, image: np.ndarray) -> float:
        """In pixels, how far a click reaches on an image [H, W, 3]."""
        return self._near * max(image.shape[:2])

    def mask(
        self,
        image_key: str,
        image: np.ndarray,
        clicks: Sequence[Click],
        start: Beginning | None = None,
        prior: Callable[[], Prior] = lambda: UNKNOWN,
        superseded: Callable[[], bool] = lambda: False,
        project: str = "",
    ) -> VersionedMask:
        """The mask after all of `clicks`; of a box or lasso alone: what is in it, 0 outside.

        Args:
            image_key: names the pixels; the same key always means the same pixels.
            image: uint8 RGB [H, W, 3].
            clicks: in order, each with an id of its own; at least one, but after a box or lasso.
            start: the mask that they refine, or a box or lasso around the object; None: nothing.
            prior: asked what is known of an object that begins with these clicks; it keeps that.
            superseded: asked before each network step.
            project: that asks, as the record calls it: what was learnt from it answers it.

        Raises:
            SupersededError: `superseded` said so.
        """
        names = [click.id for click in clicks]
        names = [start.id, *names] if isinstance(start, Box | Lasso) else names
        predictor = self._versions.begin(names, project)
        begun_with = UNKNOWN if start else self._priors.begin(names, prior)
        clicked = _ObjectInputs(predictor, image_key, image, start, begun_with, project)
        keys = self._keys(clicked, clicks)
        known, state = self._longest_known(keys, image.shape[:2])
        self._count_steps(known, len(clicks) - known)
        state = state or self._beginning(clicked)
        for k in range(known, len(clicks)):
            with self._alone(keys[0]):
                if superseded():
                    raise SupersededError
                state = self._step(clicked, clicks[: k + 1], state, keys[k])
        assert isinstance(state, State)
        return VersionedMask(state.alpha, predictor.version, state.quality / 255)

    def _beginning(self, clicked: _ObjectInputs) -> Start | State | None:
        """What the first click is shown."""
        start = clicked.start
        return self._enclosed(clicked, start) if isinstance(start, Box | Lasso) else start

    def _enclosed(self, clicked: _ObjectInputs, around: Box | Lasso) -> State:
        """The state after a box or lasso: kept, or run now and kept."""
        image, name = clicked.image, clicked.image_key
        begun = self._begun(clicked.predictor, clicked.project, name)
        key = hashlib.sha256(begun + f"\n{around.name}".encode()).hexdigest()
        with self._alone(key):
            state = State.unpack(self._store.get(key), image.shape[:2])
            if state is None:
                predictor = clicked.predictor.for_image(image, name, clicked.project)
                state = first_mask(around, predictor, image, name)
                state = State.of(self._cleaned(state.alpha, []), state.quality / 255)
                self._store.put(key, state.pack())
        return state

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """With an object for oneself, in turn at the network."""
        with self._locking:
            lock = self._locks.setdefault(name, threading.Lock())
        with stage("queue"):
            lock.acquire()
        try:
            with _taking_turns():
                yield
        finally:
            lock.release()

    def _keys(self, clicked: _ObjectInputs, clicks: Sequence[Click]) -> list[str]:
        """One key per state: each hashes what it starts from and all clicks up to its own."""
        start, prior = clicked.start, clicked.prior
        chain = hashlib.sha256(self._begun(clicked.predictor, clicked.project, clicked.image_key))
        if prior != UNKNOWN:
            chain.update(f"\n{prior.areas} {prior.discriminant}".encode())
        if isinstance(start, Start):
            chain.update(f"\n{self._near} with its own click\n".encode() + start.key)
        elif start:
            chain.update(f"\n{start.name}".encode())
        keys = []
        for click in clicks:
            chain.update(f"\n{click.id!r} {click.x} {click.y} {click.positive}".encode())
            keys.append(chain.hexdigest())
        return keys

    def _longest_known(self, keys: Sequence[str], shape: tuple[int, ...]) -> tuple[int, State | None]:
        """How many clicks the longest kept state covers, and that state."""
        for k in range(len(keys), 0, -1):
            state = State.unpack(self._store.get(keys[k - 1]), shape)
            if state is not None:
                return k, state
        return 0, None

    def _step(
        self, clicked: _ObjectInputs, clicks: Sequence[Click], previous: State | Start | None, key: str
    ) -> State:
        """The state after the last of `clicks`: kept by someone meanwhile, or run now and kept."""
        kept = State.unpack(self._store.get(key), clicked.image.shape[:2])
        if kept is None:
            kept = self._run(clicked, clicks, previous)
            self._store.put(key, kept.pack())
        return kept

    def _run(self, clicked: _ObjectInputs, clicks: Sequence[Click], previous: State | Start | None) -> State:
        before = None if previous is None else previous.alpha / np.float32(255)
        network = clicked.predictor.for_image(clicked.image, clicked.image_key, clicked.project)
        shown = [*clicked.own_click(clicks), *clicks]
        answer = network.judged(clicked.image, shown, before, clicked.image_key, clicked.prior)
        alpha = np.asarray(cv2.convertScaleAbs(answer.alpha, alpha=255))
        start = clicked.start if isinstance(clicked.start, Start) else None
        if start is not None:
            alpha = kept_corrections(start, alpha, clicks, self.near(clicked.image))
        return State.of(self._cleaned(alpha, shown, start), answer.quality)

    def _cleaned(self, alpha: np.ndarray, clicks: Sequence[Click], start: Start | None = None) -> np.ndarray:
        if not self._smallest:
            return alpha
        return without_crumbs(alpha, clicks, self._smallest, start and start.mask)

    def _begun(self, predictor: Refiner, project: str, image_key: str) -> bytes:
        """What every state of an object depends on: image, model, and what is dropped of its masks."""
        learnt = f" learnt from {project}" if predictor.learnt_from(project) else ""
        cleaned = f" without {self._smallest}" if self._smallest else ""
        return f"{predictor.version} {predictor.engine}{learnt}{cleaned}\n{image_key}".encode()


@contextmanager
def _taking_turns() -> Iterator[None]:
    """Passes of a network inside wait for others' clicks, and they for them."""
    token = TAKES_TURNS.set(True)
    try:
        yield
    finally:
        TAKES_TURNS.reset(token)


@dataclass(frozen=True)
class _ObjectInputs:
    """An object as each of its clicks finds it: image, uint8 RGB [H, W, 3], what it starts from, what was
    known of it when it was begun, and whose model answers."""

    predictor: Refiner
    image_key: str
    image: np.ndarray
    start: Beginning | None
    prior: Prior
    project: str

    def own_click(self, clicks: Sequence[Click]) -> list[Click]:
        """The one that is shown before `clicks`: of what they start from, if it has one."""
        if isinstance(self.start, Start):
            return self.start.own_click(clicks)
        return own_click(self.start, clicks) if self.start else []

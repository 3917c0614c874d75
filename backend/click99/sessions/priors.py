"""What an object was begun with: what was known of it before its first click.

It decides the first mask, so it is part of the object's state. What is known changes while the object is
worked on; the object keeps what it began with, so that undone and replayed clicks give the same masks.
"""

from __future__ import annotations

import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated

from pydantic import BaseModel, Field, PositiveInt, ValidationError

from click99.segmentation.discriminant import Discriminant
from click99.segmentation.prior import Prior
from click99.sessions.stores import Store

Base64 = Annotated[str, Field(pattern=r"^([A-Za-z0-9+/]{16})*[A-Za-z0-9+/=]*$")]


class Note(BaseModel):
    """A prior as a store keeps it."""

    areas: tuple[PositiveInt, ...]
    weights: Base64 = ""
    network: str = ""

    @classmethod
    def of(cls, prior: Prior) -> Note:
        if prior.discriminant is None:
            return cls(areas=prior.areas)
        weights = b64encode(prior.discriminant.weights).decode()
        return cls(areas=prior.areas, weights=weights, network=prior.discriminant.network)

    @property
    def prior(self) -> Prior:
        weights = b64decode(self.weights)
        return Prior(self.areas, Discriminant(weights, self.network) if weights else None)


class Priors:
    """Kept in a store under each of the object's clicks. Thread-safe."""

    def __init__(self, store: Store):
        self._store = store
        self._beginning = threading.Lock()

    def begin(self, clicks: Sequence[str], now: Callable[[], Prior]) -> Prior:
        """What the object with these clicks' ids was begun with, noted at once for the last of them.

        now: tells what is known at this click; asked where nothing is kept, or what is kept is damaged.
        """
        with self._beginning:
            prior = next(filter(None, map(self._kept, clicks)), None) or now()
            self._store.put(f"prior of {clicks[-1]}", Note.of(prior).model_dump_json().encode())
        return prior

    def _kept(self, click: str) -> Prior | None:
        with suppress(ValidationError, ValueError):
            if (value := self._store.get(f"prior of {click}")) is not None:
                return Note.model_validate_json(value).prior
        return None

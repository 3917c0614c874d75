"""Which sizes an object was begun with: those of the regions of its kind that its picture held by then.

They decide between the looks at its first click, so they are part of its state. The regions change while it
is worked on; the object keeps what it began with, so that undone and replayed clicks give the same masks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import suppress

from pydantic import PositiveInt, TypeAdapter, ValidationError

from click99.segmentation.sizes import Sizes
from click99.sessions.stores import Store

AREAS = TypeAdapter(tuple[PositiveInt, ...])


class KnownSizes:
    """Kept in a store under each of the object's clicks. Thread-safe."""

    def __init__(self, store: Store):
        self._store = store
        self._beginning = threading.Lock()

    def begin(self, clicks: Sequence[str], now: Sizes) -> Sizes:
        """What the object with these clicks' ids was begun with, noted at once for the last of them.

        now: what a request tells; it counts where nothing is kept, or what is kept is damaged.
        """
        with self._beginning:
            sizes = next(filter(None, map(self._kept, clicks)), now)
            self._store.put(f"sizes of {clicks[-1]}", json.dumps(sizes.areas).encode())
        return sizes

    def _kept(self, click: str) -> Sizes | None:
        with suppress(ValidationError):
            if (value := self._store.get(f"sizes of {click}")) is not None:
                return Sizes(AREAS.validate_json(value))
        return None

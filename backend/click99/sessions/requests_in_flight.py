"""Requests that are answered at the same time: which of them is pointless by now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from click99.segmentation.clicks import Click


class RequestsInFlight:
    """While an answer is slow, Label Studio sends the next clicks in parallel; it shows the newest only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._arrived: dict[str, list[Sequence[Click]]] = {}
        self._unanswered: dict[str, int] = {}

    @contextmanager
    def answering(self, key: str, clicks: Sequence[Click]) -> Iterator[Callable[[], bool]]:
        """While a request about the object `key` is answered -> whether it is superseded."""
        with self._lock:
            arrived = self._arrived.setdefault(key, [])
            place = len(arrived)
            arrived.append(clicks)
            self._unanswered[key] = self._unanswered.get(key, 0) + 1
        try:
            yield (
                lambda: (
                    any(supersedes(other, clicks) for other in arrived[place + 1 :])
                    or any(extends(other, clicks) for other in arrived[:place])
                )
            )
        finally:
            self._forget(key)

    def _forget(self, key: str) -> None:
        """One answer less; with the last, all that arrived meanwhile is history."""
        with self._lock:
            self._unanswered[key] -= 1
            if not self._unanswered[key]:
                del self._unanswered[key], self._arrived[key]


def extends(later: Sequence[Click], earlier: Sequence[Click]) -> bool:
    """Whether there are more clicks, after the same ones."""
    return len(later) > len(earlier) and list(later[: len(earlier)]) == list(earlier)


def supersedes(later: Sequence[Click], earlier: Sequence[Click]) -> bool:
    """Whether a request that arrived later was also made later.

    Not if it is the beginning of the earlier one: then it was overtaken on its way. The same request, sent
    twice, is answered twice.
    """
    return list(later) != list(earlier) and not extends(earlier, later)

"""Memory that several threads share out, so that large pictures come one after the other; and what is kept
within a bound."""

from __future__ import annotations

import re
import resource
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TypeVar

from cachetools import LRUCache

LOOKED_AT = 2**26  # bytes; for less nobody looks how much is free
SPARE = 2**26  # bytes, for all else that happens meanwhile
UNLIMITED = 2**62
GROUPS = Path("/sys/fs/cgroup")

K = TypeVar("K")
V = TypeVar("V")

_looking = threading.Condition()
_held = 0  # bytes that all budgets' takers need, of those that were looked at


class NoRoomError(MemoryError):
    """Says how much is needed, and how much is free."""


class Budget:
    """So many bytes. Thread-safe; must not be taken from twice by one thread."""

    def __init__(self, total: int) -> None:
        self._total, self._free = total, total
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, amount: int, needed: int = 0) -> Iterator[None]:
        """Wait until there is room; what is larger than the budget has all of it to itself.

        needed: of it, what is taken for certain. NoRoomError when the process may not have so much: the
        system would end it, and everybody's clicks with it.
        """
        amount = min(amount, self._total)
        with self._changed:
            self._changed.wait_for(lambda: amount <= self._free)
            self._free -= amount
        try:
            with _holding(needed) if needed > LOOKED_AT else nullcontext():
                yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()


class Kept(MutableMapping[K, V]):
    """What was used last, by the bytes that it takes. For `cachetools.cached`, with a lock.

    ValueError when one thing alone is larger than the bound.
    """

    def __init__(self, most: int, size_of: Callable[[V], int]) -> None:
        self._size_of = size_of
        self.bound(most)

    def bound(self, most: int) -> None:
        """From now on so many bytes; what is kept now is forgotten."""
        self._last: LRUCache[K, V] = LRUCache(most, self._size_of)

    @property
    def most(self) -> int:
        return int(self._last.maxsize)

    @property
    def size(self) -> int:
        """Bytes that are taken now."""
        return int(self._last.currsize)

    def __getitem__(self, key: K) -> V:
        return self._last[key]

    def __setitem__(self, key: K, value: V) -> None:
        self._last[key] = value

    def __delitem__(self, key: K) -> None:
        del self._last[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)


@contextmanager
def _holding(needed: int) -> Iterator[None]:
    """Wait while others hold what is lacking; NoRoomError when nobody does."""
    global _held
    with _looking:
        _looking.wait_for(lambda: not _held or needed + _held + SPARE <= free_memory())
        if not _held and needed + SPARE > (free := free_memory()):
            free = max(free - SPARE, 0)
            raise NoRoomError(f"needs {needed >> 20} MB of memory, and {free >> 20} are free")
        _held += needed
    try:
        yield
    finally:
        with _looking:
            _held -= needed
            _looking.notify_all()


def free_memory() -> int:
    """Bytes that this process may still take: of the machine's, its control groups' and its own limit."""
    told = re.search(r"MemAvailable:\s+(\d+)", _text(Path("/proc/meminfo")))
    return min(int(told[1]) * 1024 if told else UNLIMITED, _of_groups(), _of_address_space())


def _of_groups() -> int:
    """Of the control groups that it is in (cgroups, as containers have): version 2 and 1."""
    free = UNLIMITED
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds not in ("", "memory"):
            continue
        root = GROUPS / kinds
        names = ("limit_in_bytes", "usage_in_bytes") if kinds else ("max", "current")
        inside = root / path.lstrip("/")
        for group in [inside, *inside.parents]:
            if not group.is_relative_to(root):
                break
            most, used = (_text(group / f"memory.{name}").strip() for name in names)
            if most.isdecimal() and used.isdecimal():
                free = min(free, int(most) - int(used) + _idle(_text(group / "memory.stat")))
    return free


def _idle(statistics: str) -> int:
    """Of a group's copies of files those that make room: half of what was used lately, as the kernel says."""
    kept = dict(re.findall(r"^(?:total_)?((?:in)?active_file) (\d+)", statistics, re.MULTILINE))
    return int(kept.get("inactive_file", 0)) + int(kept.get("active_file", 0)) // 2


def _of_address_space() -> int:
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return UNLIMITED
    return most - int(_text(Path("/proc/self/statm")).split()[0]) * resource.getpagesize()


def _text(file: Path) -> str:
    """ "" of one that is not there."""
    with suppress(OSError):
        return file.read_text()
    return ""

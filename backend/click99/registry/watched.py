"""The version that is watched: which one, against which, and what its card has noted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from click99.registry.versions import Pointer, Registry, Version

IMAGES = 30  # that a look takes, all of them annotated with the version, none of them twice


@dataclass(frozen=True)
class WatchedVersion:
    """What the gate promoted, and `before`, by its name, what it took the place of.

    seen: the pointer that says so. looks: how often it was judged since. judges: the images that did, by the
    hashes of their pixels. counted: how many had been annotated with it when a server last had it judged.
    """

    version: Version
    before: str
    seen: Pointer
    looks: int
    judges: frozenset[str]
    counted: int


def watched(registry: Registry) -> WatchedVersion | None:
    """None while a person decided what is served, or the watch did, or nobody.

    What a person chose stays, also what the watch went back to: there is nothing surer to go to.
    """
    pointer = registry.pointer()
    if len(pointer.stack) < 2 or pointer.moves[-1].by != "gate":
        return None
    version = registry.get(pointer.stack[-1])
    noted = watch_facts(version)
    looks, judges, counted = (noted.get(name) for name in ("looks", "judges", "counted"))
    return WatchedVersion(
        version,
        pointer.stack[-2],
        pointer,
        looks if isinstance(looks, int) else 0,
        frozenset(judges if isinstance(judges, list) else ()),
        counted if isinstance(counted, int) else 0,
    )


def watch_facts(version: Version) -> Mapping[str, Any]:
    """What the watch noted on a version's card."""
    noted = version.facts.get("watch")
    return noted if isinstance(noted, Mapping) else {}


def note(registry: Registry, version: str, **facts: Any) -> None:
    """On its card, beside what was noted before."""
    registry.add_facts(version, watch={**watch_facts(registry.get(version)), **facts})

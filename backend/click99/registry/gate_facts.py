"""What the gate of a fine-tune has noted on a version's card, as far as it can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from click99.registry.versions import Registry, Version

TRIAL_IMAGES = 10  # annotated since, after which a server has a challenger judged by them
TRIALS = 3  # then a challenger is given up, for each may deceive


@dataclass(frozen=True)
class GateFacts:
    """decided: passed, rolled back (passed, and turned out worse later), challenger (did not pass, but more
    images may show that it is better) or not passed.

    clicks: to 90 % IoU, corrective: accuracy, each before and after, on `images` collected images. gain: of
    their IoU over the first clicks. None: not noted.
    """

    decided: str
    images: int | None
    gain: float | None
    clicks: tuple[float, float] | None
    corrective: tuple[float, float] | None


def gate_facts(version: Version) -> GateFacts | None:
    """None for a version that no gate has judged."""
    gate = _mapping(version.facts.get("gate"))
    if not gate:
        return None
    decided = "passed" if gate.get("promoted") else "challenger" if gate.get("challenges") else "not passed"
    if _mapping(version.facts.get("watch")).get("rolled_back"):
        decided = "rolled back"
    gain, collected = _mapping(gate.get("gain")), _mapping(gate.get("collected"))
    images, gained, corrective = gain.get("images"), gain.get("mean"), gate.get("corrective")
    return GateFacts(
        decided,
        images if isinstance(images, int) else None,
        gained if isinstance(gained, float) else None,
        _pair([_mapping(collected.get(side)).get("noc90") for side in ("before", "after")]),
        _pair(corrective),
    )


def challenger(registry: Registry, served: Version) -> Version | None:
    """The newest version of the registry's line that gained enough on the served one, though not surely:
    later images may tell."""
    for version in reversed(registry.all()):
        gate = _mapping(version.facts.get("gate"))
        is_here = version.facts.get("line", "") == registry.line and version.path.is_file()
        if gate.get("challenges") and gate.get("against") == served.name and is_here:
            return version
    return None


def trial_facts(version: Version) -> Mapping[str, Any]:
    """Of a challenger: `counted`, the annotated tasks when a server last looked."""
    return _mapping(version.facts.get("trial"))


def trials_told(version: Version) -> str:
    """What its trials have found so far, in a sentence."""
    gate = _mapping(version.facts.get("gate"))
    later, looks = _mapping(gate.get("later")), gate.get("looks", 0)
    how = f"after {TRIAL_IMAGES} more annotated images both are judged by them"
    if not later:
        return f"No trial yet: {how}."
    gain = f"{later.get('mean', 0):+.3f} IoU, above {later.get('sure', 0):+.3f}"
    return f"{looks} of {TRIALS} trials: {gain}, on {later.get('images', 0)} later images; {how}."


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _pair(value: Any) -> tuple[float, float] | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    one, other = value
    return (one, other) if isinstance(one, int | float) and isinstance(other, int | float) else None

"""What each fine-tune bought: the gate's figures, and what people's masks took with it since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from click99.dashboard.costs import Cost, mean
from click99.registry.gate_facts import GateFacts, gate_facts
from click99.registry.versions import Version


@dataclass(frozen=True)
class JudgedFineTune:
    """masks, clicks: saved with it, and the mean of the clicks that they took (nan without masks)."""

    name: str
    made_at: str
    gate: GateFacts
    masks: int
    clicks: float


def fine_tunes(versions: Sequence[Version], found: Sequence[Cost]) -> list[JudgedFineTune]:
    """Of every version that a gate has judged; the newest first."""
    judged = [(version, gate_facts(version)) for version in reversed(versions)]
    return [_fine_tune(version, gate, found) for version, gate in judged if gate]


def _fine_tune(version: Version, gate: GateFacts, found: Sequence[Cost]) -> JudgedFineTune:
    clicks = [cost.clicks for cost in found if cost.version == version.name]
    return JudgedFineTune(version.name, version.made_at[:10], gate, len(clicks), mean(clicks))

"""What tells two versions apart: facts, and how far the weights moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click99.registry.check import RegistryError
from click99.registry.versions import Version
from click99.registry.watched import watch_facts


@dataclass(frozen=True)
class WeightChange:
    """A part of the network, or all of it. share: |new − old| / |old|, Euclidean, over all its weights.

    moved: how many of its `weights` changed at all. largest: the largest change of one.
    """

    part: str
    weights: int
    moved: int
    share: float
    largest: float


def facts_of(version: Version) -> dict[str, str]:
    """All that is known of a version, flat and readable, with what its file tells of its training."""
    known = {"added": version.made_at[:19].replace("T", " "), "trained from": version.parent or "–"}
    noted: dict[str, Any] = {
        "watch": {name: fact for name, fact in watch_facts(version).items() if name != "judges"}
    }
    if (images := version.facts.get("learnt_images")) is not None:
        noted["learnt_images"] = len(images)
    return known | dict(flat(_header(version.path) | version.facts | noted))


def flat(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts as (names joined by spaces, value)."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name} ")
        else:
            yield f"{before}{name}", _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _header(path: Path) -> dict[str, Any]:
    """What the checkpoint's header tells; nothing if it is gone or damaged: `Registry.promote` says so."""
    import json

    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return json.loads((file.metadata() or {}).get("facts", "{}"))
    except (SafetensorError, OSError, ValueError):
        return {}


def moved(old: Version, new: Version) -> list[WeightChange]:
    """How far each part of the network is from `old` to `new`, and then the whole.

    Raises:
        RegistryError: a file is gone or damaged, or the two are networks of different layers.
    """
    import torch
    from torch import Tensor

    from click99.segmentation.checkpoint import CheckpointError, check_fit, load_checkpoint

    try:
        before, after = (load_checkpoint(version.path).state_dict() for version in (old, new))
        check_fit(before, after, f"{old.name} and {new.name} are networks of different layers")
    except CheckpointError as error:
        raise RegistryError(str(error)) from None
    parts: dict[str, list[tuple[Tensor, Tensor]]] = defaultdict(list)
    for name in before:
        if before[name].is_floating_point():  # not the counters of batch norm
            parts[name.split(".")[0]].append((before[name].flatten(), after[name].flatten()))
    joined = {part: [torch.cat(side) for side in zip(*pairs, strict=True)] for part, pairs in parts.items()}
    joined["all"] = [torch.cat(side) for side in zip(*joined.values(), strict=True)]
    return [_moved(part, *sides) for part, sides in joined.items()]


def _moved(part: str, old: Any, new: Any) -> WeightChange:
    """old, new: float tensors of one dimension."""
    change = (new - old).abs()
    share = float(change.norm() / old.norm().clamp_min(1e-12))
    return WeightChange(part, change.numel(), int((change > 0).sum()), share, float(change.max()))

"""The challenger: what gained enough at its gate, though not surely, is judged again by later images.

Only by those that it has neither learnt from nor been judged by, so that no chance counts twice.
"""

from __future__ import annotations

import time
from dataclasses import asdict

from click99.registry.check import RegistryError, load_checked
from click99.registry.gate_facts import TRIALS, challenger
from click99.registry.versions import Registry, Version
from click99.segmentation.predictor import Predictor
from click99_training.datasets.shards import open_snapshot
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.folds import Fold, bouts
from click99_training.learning.gain import FEWEST, Gain
from click99_training.learning.gate import Tick
from click99_training.learning.judging import verdicts


def judge_challenger(
    registry: Registry, served: Version, snapshot: SnapshotDataset, device: str, seconds: float, tick: Tick
) -> Gain | None:
    """Promote the challenger if it surely gains on images that came after it.

    snapshot: of now. seconds: to judge in.

    Returns:
        what it gains; None without a challenger, while fewer than FEWEST images came after it, or when its
        file is damaged: then it is given up.
    """
    version = challenger(registry, served)
    later = _later(version, snapshot) if version else None
    if version is None or later is None or len(set(later.images)) < FEWEST:
        return None

    def on_masks(judged: int, share: float) -> None:
        tick(f"{version.name} challenges: {judged} masks judged that came after it", share)

    before = Predictor.load(served.path, device)
    try:
        after = load_checked(version.name, version.path, version.sha256, device)
    except RegistryError as error:
        gate = version.facts["gate"] | {"challenges": False, "given_up": str(error)}
        registry.add_facts(version.name, gate=gate)
        return None
    judged = bouts([Fold(snapshot, later)], [after])
    found = verdicts(before, judged, time.monotonic() + seconds, FEWEST, on_masks).gain
    _note(registry, version, served.name, found)
    return found


def learnt_images(version: Version) -> set[str]:
    """The images that taught a version or judged it at its gate.

    They stand on its card, which other machines have, too; of an older click99's, in the snapshot that it
    was made of. KeyError, OSError, ValueError when there is no telling.
    """
    if (told := version.facts.get("learnt_images")) is not None:
        return set(told)
    return set(open_snapshot(version.facts["snapshot"]).images)


def _later(version: Version, snapshot: SnapshotDataset) -> SnapshotDataset | None:
    """Its images that are not in the version's own snapshot; None when that is gone."""
    try:
        known = learnt_images(version)
    except (KeyError, OSError, ValueError):
        return None
    return snapshot.of(set(snapshot.images) - known)


def _note(registry: Registry, version: Version, served: str, found: Gain) -> None:
    """On its card: whether it is promoted, goes on challenging, or is given up. Another version that was
    chosen while it was judged stays."""
    gate = version.facts["gate"]
    looks = gate.get("looks", 0) + 1
    goes_on = not found.convinces and found.mean > 0 and looks < TRIALS
    noted = {"promoted": found.convinces, "challenges": goes_on, "looks": looks, "later": asdict(found)}
    if found.convinces:
        why = f"better, as a challenger: {found} on {found.images} later images"
        try:
            registry.promote(version.name, why, by="gate", judged_against=served)
        except RegistryError as error:
            noted |= {"promoted": False, "given_up": str(error)}
    registry.add_facts(version.name, gate=gate | noted)

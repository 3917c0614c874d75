"""The watch: what the gate promoted is judged by the images that were annotated with it since.

The test is the gate's, the other way round: would the version before have been better? Each look takes
IMAGES that neither taught it nor judged it, so that no chance counts twice, and is surer than the one before,
so that all looks together err as rarely as the gate once.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from click99.registry.check import RegistryError, load_checked
from click99.registry.gate_facts import challenger, gate_facts
from click99.registry.jobs import Jobs
from click99.registry.versions import Registry
from click99.registry.watched import IMAGES, WatchedVersion, note, watched
from click99.segmentation.predictor import Predictor
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.bought import Costs, renew_page
from click99_training.learning.challenger import judge_challenger, learnt_images
from click99_training.learning.folds import Fold, bouts
from click99_training.learning.gain import Gain
from click99_training.learning.gate import Tick
from click99_training.learning.judging import verdicts
from click99_training.learning.progress import Progress
from click99_training.learning.snapshots import SnapshotError

TRIAL_SECONDS = 180.0  # in which a challenger is judged, once six images have judged
ERROR = 0.05  # of all looks at a version together: half of it at the first, a quarter at the second …


@dataclass(frozen=True)
class LookBack:
    """What came of it, in a sentence. gain: what the version before would have gained; None: not judged.
    promoted: a challenger was."""

    said: str
    gain: Gain | None = None
    rolled_back: bool = False
    promoted: bool = False


def look_back(
    registry: Registry, snapshot: SnapshotDataset, device: str, seconds: float, tick: Tick
) -> LookBack | None:
    """Go back to the version before if that would surely have been better on the newest IMAGES.

    snapshot: of now. seconds: for further masks of those images, once each has judged.

    Returns:
        None while nothing is watched.
    """
    now = watched(registry)
    if now is None:
        return None
    try:
        judges = _judges(now, snapshot)
        if len(judges) < IMAGES:
            return LookBack(f"{now.version.name} is watched: {len(judges)} of {IMAGES} new images by now")
        both = [_loaded(registry, name, device) for name in (now.version.name, now.before)]
    except RegistryError as error:
        return _not_watched(registry, now, str(error))
    gain = _gain(now, snapshot, judges[:IMAGES], both, seconds, tick)
    return _concluded(registry, now, judges[:IMAGES], gain)


def watch(
    home: Path,
    out: Path,
    registry: Registry,
    collect: Callable[[Path, str], object],
    device: str,
    costs: Costs = tuple,
    projects: str = "",
) -> LookBack:
    """`click99 watch`: a job like a fine-tune, that trains nothing. A challenger has its trial, too.

    registry: with the pointer of the line that it is about. projects: those that teach it. out: its folder.
    collect: writes a snapshot of what was annotated with a version, "": with any. costs: of all saved
    masks, with which the page of what the version bought is made anew. BusyError while another job runs,
    RunInterrupt when it is told to stop; nothing is moved then.
    """
    with Jobs.at(home, kind="watch").running_here(out, projects), Progress(out) as progress:
        registry.pull()
        now = watched(registry)
        try:
            look = _look_at(registry, out / "snapshot", collect, device, progress)
            look = _with_trial(look, registry, out / "trial", collect, device, progress)
        finally:
            for each in ("snapshot", "trial"):
                shutil.rmtree(out / each, ignore_errors=True)
        if now:
            with suppress(FileNotFoundError, ValueError):  # promoted where none was made, or damaged
                renew_page(home, now.version.name, costs, look.said)
        progress.tell("watched", 1, 0, look.said, rolled_back=look.rolled_back, promoted=look.promoted)
    return look


def _with_trial(
    look: LookBack,
    registry: Registry,
    snapshot: Path,
    collect: Callable[[Path, str], object],
    device: str,
    progress: Progress,
) -> LookBack:
    """The look, and what came of the trial of who challenges what is served by now."""
    served = registry.chosen()
    if (version := challenger(registry, served)) is None:
        return look
    progress.tell("collecting", 0, 0, f"collecting what judges {version.name}, which challenges")
    try:
        collect(snapshot, "")
    except SnapshotError as error:
        return replace(look, said=f"{look.said}. {version.name} challenges: {error}")
    tick = _telling(progress, TRIAL_SECONDS)
    gain = judge_challenger(registry, served, SnapshotDataset(snapshot), device, TRIAL_SECONDS, tick)
    decided = gate_facts(registry.get(version.name))
    promoted = bool(decided and decided.decided == "passed")
    goes_on = challenger(registry, served) is not None
    told = "is promoted" if promoted else "goes on challenging" if goes_on else "is given up"
    found = f"{gain} on {gain.images} later images" if gain else "too few later images, or it is damaged"
    return replace(look, said=f"{look.said}. {version.name} {told}: {found}", promoted=promoted)


def _look_at(
    registry: Registry,
    snapshot: Path,
    collect: Callable[[Path, str], object],
    device: str,
    progress: Progress,
) -> LookBack:
    if (now := watched(registry)) is None:
        return LookBack(
            "nothing is watched: no fine-tune that the gate promoted is served, or a person kept it"
        )
    progress.tell("collecting", 0, 0, f"collecting what was annotated with {now.version.name}")
    try:
        collect(snapshot, now.version.name)
    except SnapshotError as error:
        return LookBack(f"{now.version.name} is watched: {error}")
    look = look_back(registry, SnapshotDataset(snapshot), device, 0, _telling(progress, 0))
    return look or LookBack("nothing is watched any more: somebody chose what is served")


def _telling(progress: Progress, seconds: float) -> Tick:
    """Tells how far the judging is, and stops it when asked to. seconds: it may take; 0: not known."""

    def tick(message: str, share: float) -> None:
        progress.tell("watching", share, (1 - share) * seconds, message)
        progress.stop_if_asked()

    return tick


def level_of(look: int) -> float:
    """How sure the look of that number must be, from 0 on."""
    return 1 - ERROR / 2 ** (look + 1)


def _judges(now: WatchedVersion, snapshot: SnapshotDataset) -> list[str]:
    """Images annotated with it that it has neither learnt from nor been judged by, the newest first."""
    name = now.version.name
    try:
        known = learnt_images(now.version)
    except (KeyError, OSError, ValueError):
        gone = now.version.facts.get("snapshot", "its snapshot")
        told = f"{gone} is gone, by which one could tell which images are new to it"
        raise RegistryError(told) from None
    return [image for image in snapshot.clicked_with(name) if image not in known | now.judges]


def _loaded(registry: Registry, name: str, device: str) -> Predictor:
    version = registry.get(name)
    return load_checked(version.name, version.path, version.sha256, device)


def _gain(
    now: WatchedVersion,
    snapshot: SnapshotDataset,
    judges: list[str],
    both: list[Predictor],
    seconds: float,
    tick: Tick,
) -> Gain:
    """What the version before gains on the watched one."""
    after, before = both

    def on_masks(judged: int, share: float) -> None:
        tick(f"{now.version.name} is watched: {judged} masks of {len(judges)} new images judged", share)

    of_judges = snapshot.of(set(judges))
    judged = bouts([Fold(snapshot, of_judges)], [before])
    found = verdicts(after, judged, time.monotonic() + seconds, IMAGES, on_masks)
    return found.gain_by(level_of(now.looks))


def _concluded(registry: Registry, now: WatchedVersion, judges: list[str], gain: Gain) -> LookBack:
    """Move the pointer if it says so, and note the look on the watched version's card."""
    name, before = now.version.name, now.before
    on = f"{gain} on the newest {gain.images} images annotated with {name}"
    look = LookBack(f"{name} stays: {before} would not surely have been better, {on}", gain)
    if gain.convinces:
        better = f"{before} would have been better than {name}, which the gate promoted: {on}"
        try:
            registry.take_back(now.seen, f"rolled back from {name}: {better}")
            look = LookBack(f"rolled back to {before}: {better}", gain, rolled_back=True)
        except RegistryError as error:
            look = LookBack(f"{better}. But nothing is rolled back: {error}", gain)
    note(
        registry,
        name,
        looks=now.looks + 1,
        judges=sorted(now.judges | set(judges)),
        gain=asdict(gain),
        said=look.said,
        rolled_back=look.rolled_back,
        problem=None,
    )
    return look


def _not_watched(registry: Registry, now: WatchedVersion, problem: str) -> LookBack:
    said = f"{now.version.name} stays, but can't be watched. {problem}"
    note(registry, now.version.name, problem=said)
    return LookBack(said)

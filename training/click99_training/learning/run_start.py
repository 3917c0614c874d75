"""How a fine-tune begins: what it was asked for, what it learns from, and how it is told to go on."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from click99.files import write_json
from click99.registry.lines import line_of, start_of
from click99.registry.versions import Registry
from click99.segmentation.device import chosen_device
from click99_training.datasets.shards import open_snapshot
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.challenger import judge_challenger
from click99_training.learning.folds import FOLDS, refuse_few
from click99_training.learning.progress import Progress
from click99_training.learning.snapshots import verify
from click99_training.learning.watch import look_back

JUDGING = 0.2  # of the minutes; the rest trains


@dataclass(frozen=True)
class FineTune:
    """What `click99 finetune` was asked for.

    out: the run's folder. home: CLICK99_HOME. minutes: for training and judging. data: a snapshot, a folder
    or s3://bucket/folder with its shards; None: one is collected. pinned: the checkpoint that servers are
    pinned to, if they are. base_data: the folder that replaces the shipped base set. registry_url:
    CLICK99_REGISTRY_URL. projects: the group that teaches (click99/registry/lines.py).
    """

    out: Path
    home: Path
    minutes: float = 15.0
    data: Path | str | None = None
    pinned: Path | None = None
    base_data: Path | None = None
    device: str = "auto"
    threads: int = 0
    seed: int = 0
    registry_url: str = ""
    projects: str = ""

    def command(self) -> str:
        """What goes on with it, in any shell."""
        options = {
            "--out": self.out,
            "--home": self.home,
            "--minutes": f"{self.minutes:g}",
            "--project": self.projects,
            "--data": self.data,
            "--model": self.pinned,
            "--base-data": self.base_data,
            "--device": None if self.device == "auto" else self.device,
            "--threads": self.threads or None,
            "--registry-url": self.registry_url,
        }
        given = [word for name, value in options.items() if value for word in (name, str(value))]
        return shlex.join(["click99", "finetune", *given])


@dataclass(frozen=True)
class RunStart:
    """RUN/run.json: what a run began with, and goes on with. parent: the version that it starts from.
    projects: the group that teaches it. line: the line of versions that it is for."""

    snapshot: str
    parent: str
    minutes: float
    base_data: str | None
    folds: int = FOLDS
    projects: str = ""
    line: str = ""

    @classmethod
    def read(cls, out: Path) -> RunStart:
        """ValueError when the run is of a click99 that went on otherwise."""
        told = json.loads((out / "run.json").read_text())
        if told.get("folds") != FOLDS:
            raise ValueError(f"{out}: an older click99 began that fine-tune. Choose another --out")
        return cls(**told)

    def open(self) -> SnapshotDataset:
        """What it learns from."""
        return open_snapshot(self.snapshot)


def projects_in(snapshot: Path | str) -> set[str]:
    """Those that its masks are of, as the record calls them; none of what is no snapshot: `begin` says so."""
    with suppress(OSError, ValueError):
        return set(open_snapshot(snapshot).projects)
    return set()


def begin(asked: FineTune, registry: Registry, collect: Callable[[Path], object], progress: Progress) -> None:
    """Write run.json, once there is something to learn from and to judge by; what can't be is told there.

    A run that was refused looks at the record again. First of all the new images judge what is served, by
    the version before, then its challenger; training begins at what comes of it.
    """
    if (asked.out / "run.json").exists():
        _refuse_another(asked, RunStart.read(asked.out))
        return
    asked.out.mkdir(parents=True, exist_ok=True)
    registry.pull()
    registry = line_of(registry, asked.projects)
    progress.tell("collecting", 0, 0, "collecting what people saved")
    snapshot = asked.data or asked.out / "snapshot"
    try:
        if not asked.data:
            shutil.rmtree(snapshot, ignore_errors=True)
            collect(Path(snapshot))
        progress.stop_if_asked()
        _verify(snapshot)
        refuse_few(collected := open_snapshot(snapshot))
        if not asked.pinned:
            _judge_versions(asked, registry, collected, progress)
    except ValueError as error:
        progress.tell("refused", 1, 0, str(error))
        raise
    begins_at = registry.chosen(asked.pinned) if asked.pinned else start_of(registry)
    parent = registry.add(begins_at.path).name
    base_data = str(asked.base_data) if asked.base_data else None
    whose = (asked.projects, registry.line)
    begun = RunStart(str(snapshot), parent, asked.minutes, base_data, FOLDS, *whose)
    write_json(asked.out / "run.json", asdict(begun))


def _judge_versions(
    asked: FineTune, registry: Registry, snapshot: SnapshotDataset, progress: Progress
) -> None:
    seconds = 60 * asked.minutes * JUDGING

    def tick(message: str, share: float) -> None:
        progress.tell("collecting", share, (1 - share) * seconds, message)
        progress.stop_if_asked()

    device = chosen_device(asked.device)
    look_back(registry, snapshot, device, seconds, tick)
    judge_challenger(registry, registry.chosen(), snapshot, device, seconds, tick)


def _verify(snapshot: Path | str) -> None:
    """Of shards in a bucket the manifest was written last; their checksums would take reading all of them."""
    if "://" not in str(snapshot):
        verify(Path(snapshot))


def _refuse_another(asked: FineTune, begun: RunStart) -> None:
    told = json.loads((asked.out / "progress.json").read_text())
    if told["phase"] == "done":
        raise ValueError(f"{asked.out}: this fine-tune is over ({told['message']}). Choose another --out")
    base_data = str(asked.base_data) if asked.base_data else None
    same = (begun.minutes, begun.base_data, begun.projects) == (asked.minutes, base_data, asked.projects)
    if not same or (asked.data and str(asked.data) != begun.snapshot):
        raise ValueError(
            f"{asked.out}: a fine-tune with other settings began there ({begun}). Choose another --out"
        )
    _verify(begun.snapshot)

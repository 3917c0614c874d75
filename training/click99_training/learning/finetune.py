"""`click99 finetune`: from what people saved to a better network, or to the reason why it is none.

A snapshot of the record, training on it for some minutes from the served version, the candidate added to the
registry, the gate, and if it says so the pointer moved. Stopped anywhere, the same command goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from rich.console import Console

from click99.files import write_json
from click99.registry.jobs import Jobs
from click99.registry.versions import Registry, Version
from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint
from click99.segmentation.device import chosen_device
from click99.segmentation.predictor import Predictor
from click99_training.base import Base, open_base
from click99_training.datasets.blend import Blend
from click99_training.datasets.crops import CropStream
from click99_training.datasets.skipped_samples import SkippedSamples, refuse_mostly_bad
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.curves_page import write_curves
from click99_training.learning.domain import generalist_of
from click99_training.learning.gate import Decision, judge, refuse_few
from click99_training.learning.progress import Progress
from click99_training.learning.snapshots import SnapshotError, verify
from click99_training.loop.cpu import prepare_for_training
from click99_training.loop.distributed import for_all_processes, join, wait_for_all, world
from click99_training.loop.trainer import Trainer
from click99_training.loop.training_loop import Plan, training_loop
from click99_training.recipes import FINETUNE

HELD_OUT = ("val", "test")
SAVE_SECONDS = 60.0
LOG_EVERY = 24  # images
OLD_SHARE = 0.5  # of the crops that come from the base set


@dataclass(frozen=True)
class FineTune:
    """What `click99 finetune` was asked for.

    out: the run's folder. home: CLICK99_HOME. data: a snapshot; None: one is collected. pinned: the
    checkpoint that servers are pinned to, if they are. base_data: the folder that replaces the shipped base
    set.
    """

    out: Path
    home: Path
    minutes: float = 15.0
    data: Path | None = None
    pinned: Path | None = None
    base_data: Path | None = None
    device: str = "auto"
    threads: int = 0
    seed: int = 0


@dataclass(frozen=True)
class RunStart:
    """RUN/run.json: what a run began with, and goes on with. parent: the version that it starts from."""

    snapshot: str
    parent: str
    minutes: float
    base_data: str | None


def finetune(asked: FineTune, collect: Callable[[Path], object], console: Console) -> Decision | None:
    """Collect, train, judge, and promote what is better. None in all processes of torchrun but the first.

    Args:
        collect: writes a snapshot of the record into a folder.

    Raises:
        ValueError: nothing can be learnt or decided, or another fine-tune is running; the message says why.
        RunInterrupt: by SIGTERM or Ctrl-C; OSError: by the disk, say. The same command goes on from there.
    """
    device = join(torch.device(chosen_device(asked.device)))
    registry, first = Registry.at(asked.home), world()[0] == 0
    alone = Jobs.at(asked.home).running_here(asked.out) if first else nullcontext()
    with alone, Progress(asked.out / "progress.json") as progress:
        if first:
            _begin(asked, registry, collect, progress)
        wait_for_all()
        begun = RunStart(**json.loads((asked.out / "run.json").read_text()))
        parent = registry.get(begun.parent)
        base = open_base(asked.base_data)
        checkpoint = _train(asked, begun, parent, base, device, progress)
        if not first:
            return None
        candidate = registry.add(
            checkpoint, parent=parent.name, run=str(asked.out), snapshot=begun.snapshot, minutes=begun.minutes
        )
        return _decide(asked, begun, registry, candidate, base, progress, console)


def _begin(
    asked: FineTune, registry: Registry, collect: Callable[[Path], object], progress: Progress
) -> None:
    """Write run.json, and see that there is something to learn from and to judge by."""
    file = asked.out / "run.json"
    if file.exists():
        _refuse_another(asked, RunStart(**json.loads(file.read_text())))
    else:
        asked.out.mkdir(parents=True, exist_ok=True)
        progress.tell("collecting", 0, 0, "collecting what people saved")
        snapshot = asked.data or asked.out / "snapshot"
        if not asked.data and not snapshot.exists():
            collect(snapshot)
        progress.stop_if_asked()
        parent = registry.chosen(asked.pinned)
        base_data = str(asked.base_data) if asked.base_data else None
        begun = RunStart(str(snapshot), registry.add(parent.path).name, asked.minutes, base_data)
        write_json(file, asdict(begun))
    snapshot = Path(json.loads(file.read_text())["snapshot"])
    verify(snapshot)
    if not len(SnapshotDataset(snapshot, ["train"])):
        raise SnapshotError(
            f"{snapshot}: none of its images is for training. Annotate more, four in five are"
        )
    refuse_few(SnapshotDataset(snapshot, HELD_OUT))


def _refuse_another(asked: FineTune, begun: RunStart) -> None:
    told = json.loads((asked.out / "progress.json").read_text())
    if told["phase"] == "done":
        raise ValueError(f"{asked.out}: this fine-tune is over ({told['message']}). Choose another --out")
    base_data = str(asked.base_data) if asked.base_data else None
    same = (begun.minutes, begun.base_data) == (asked.minutes, base_data)
    if not same or (asked.data and str(asked.data) != begun.snapshot):
        raise ValueError(
            f"{asked.out}: a fine-tune with other settings began there ({begun}). Choose another --out"
        )


def _train(
    asked: FineTune, begun: RunStart, parent: Version, base: Base, device: torch.device, progress: Progress
) -> Path:
    """The candidate's checkpoint, called as its parent is without the hash."""
    prepare_for_training(asked.threads)
    torch.manual_seed(asked.seed)
    recipe = for_all_processes(FINETUNE)
    collected = SnapshotDataset(Path(begun.snapshot), ["train"])
    refuse_mostly_bad(collected)
    blend = Blend(collected, base.train, OLD_SHARE)
    stream = CropStream(blend, recipe, asked.seed, SkippedSamples(asked.out / "skipped.csv"))
    trainer = Trainer(load_checkpoint(parent.path), recipe, device, teacher=load_checkpoint(parent.path))
    learnt = asked.out / "learnt.safetensors"
    checkpoint = asked.out / f"{parent.name.rpartition('-')[0]}.safetensors"
    try:
        training_loop(
            _plan(asked, begun, learnt), trainer, stream, progress, partial(progress.tell, "training")
        )
        if world()[0] == 0:
            progress.tell("training", 1, 0, "looking at which images it is for")
            generalist = generalist_of(parent.path, collected, base.train, str(device))
            save_checkpoint(
                load_checkpoint(learnt), checkpoint, generalist=generalist, finetuned_from=parent.name
            )
    except OSError as error:
        remedy = "What was saved last is whole: free its disk, and the same command goes on"
        raise OSError(f"{asked.out}: {error}. {remedy}") from error
    return checkpoint


def _plan(asked: FineTune, begun: RunStart, checkpoint: Path) -> Plan:
    return Plan(
        checkpoint=checkpoint,
        seed=asked.seed,
        draw=lambda share: write_curves(asked.out, share),
        save_seconds=SAVE_SECONDS,
        log_every=LOG_EVERY,
        seconds=60 * begun.minutes,
    )


def _decide(
    asked: FineTune,
    begun: RunStart,
    registry: Registry,
    candidate: Version,
    base: Base,
    progress: Progress,
    console: Console,
) -> Decision:
    """Judge the candidate against what is served by now, and move the pointer if it is better."""

    def tick(judged: int, of: int) -> None:
        progress.tell("gate", judged / of, 0, f"{judged} of {of} masks judged", candidate=candidate.name)
        progress.stop_if_asked()

    served, device = registry.chosen(asked.pinned), chosen_device(asked.device)
    first, second = (Predictor.load(version.path, device) for version in (served, candidate))
    held_out = SnapshotDataset(Path(begun.snapshot), HELD_OUT)
    decision = judge(first, second, held_out, base.gate, tick)
    registry.add_facts(candidate.name, gate={"against": served.name, **decision.to_json()})
    if decision.promoted:
        registry.promote(candidate.name, decision.reason)
    console.print(decision.table())
    console.print(_what_is_left(decision, candidate, asked.pinned), soft_wrap=True)
    facts = {"candidate": candidate.name, "promoted": decision.promoted}
    progress.tell("done", 1, 0, decision.reason, **facts)
    (asked.out / "last.pt").unlink(missing_ok=True)  # most of the folder, and of no use any more
    return decision


def _what_is_left(decision: Decision, candidate: Version, pinned: Path | None) -> str:
    """For whoever wants the candidate served."""
    if not decision.promoted:
        return f"To serve it all the same: click99 models promote {candidate.name}"
    if pinned:
        return f"But CLICK99_MODEL pins servers to {pinned}: unset it for them to follow."
    return "Running servers follow within seconds. Back: click99 models rollback"

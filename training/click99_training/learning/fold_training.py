"""The trainings of a fine-tune: one on each fold, both from the served version, and the mean of both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from click99.registry.versions import Version
from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint
from click99_training.base import Base
from click99_training.datasets.blend import Blend
from click99_training.datasets.crops import CropStream
from click99_training.datasets.shards import ShardError
from click99_training.datasets.skipped_samples import SkippedSamples, refuse_mostly_bad
from click99_training.datasets.snapshot_dataset import SnapshotDataset
from click99_training.learning.domain import Domain, projects_of
from click99_training.learning.folds import FOLDS, folds
from click99_training.learning.progress import Progress
from click99_training.learning.run_start import FineTune, RunStart
from click99_training.loop.average import mean_of
from click99_training.loop.cpu import prepare_for_training
from click99_training.loop.distributed import for_all_processes, world
from click99_training.loop.trainer import Trainer
from click99_training.loop.training_loop import RunPlan, training_loop
from click99_training.recipes import FINETUNE

SAVE_SECONDS = 60.0
LOG_EVERY = 24  # images
OLD_SHARE = 0.5  # of the crops that come from the base set


@dataclass(frozen=True)
class CandidateFiles:
    """What a fine-tune makes. folds: the checkpoint learnt from each. mean: of both, called as its parent is
    without the hash."""

    folds: list[Path]
    mean: Path

    def forget(self) -> None:
        """What is of no use once it is decided: most of the folder."""
        for each in self.folds:
            each.unlink()
            (each.parent / "last.pt").unlink(missing_ok=True)


def train(
    asked: FineTune,
    begun: RunStart,
    parent: Version,
    base: Base,
    device: torch.device,
    progress: Progress,
    seconds: float,
) -> CandidateFiles:
    """Train on each fold for its share of the seconds, or go on with it."""
    prepare_for_training(asked.threads)
    snapshot = begun.open()
    refuse_mostly_bad(snapshot)
    homes = [asked.out / f"fold-{k + 1}" for k in range(FOLDS)]
    made = CandidateFiles(
        [home / "candidate.safetensors" for home in homes],
        asked.out / f"{parent.name.rpartition('-')[0]}.safetensors",
    )
    try:
        for k, (fold, home) in enumerate(zip(folds(snapshot), homes, strict=True)):
            home.mkdir(exist_ok=True)
            stream = _stream(asked, fold.learnt, base)

            def tell(share: float, left: float, line: str, k: int = k) -> None:
                others = (FOLDS - 1 - k) * seconds / FOLDS
                progress.tell(
                    "training", (k + share) / FOLDS, left + others, f"fold {k + 1} of {FOLDS}, {line}"
                )

            trainer = _trainer(asked, parent, device)
            training_loop(_plan(asked, home, seconds / FOLDS), trainer, stream, progress, tell)
        if world()[0] == 0:
            progress.tell("training", 1, 0, "looking at which images it is for")
            _write(snapshot, made, parent, base, str(device))
    except ShardError:
        raise
    except OSError as error:
        remedy = "What was saved last is whole: free its disk, and the same command goes on"
        raise OSError(f"{asked.out}: {error}. {remedy}") from error
    return made


def _stream(asked: FineTune, learnt: SnapshotDataset, base: Base) -> CropStream:
    blend = Blend(learnt, base.train, OLD_SHARE)
    skipped = SkippedSamples(asked.out / "skipped.csv")
    return CropStream(blend, for_all_processes(FINETUNE), asked.seed, skipped)


def _trainer(asked: FineTune, parent: Version, device: torch.device) -> Trainer:
    torch.manual_seed(asked.seed)
    network, teacher = load_checkpoint(parent.path), load_checkpoint(parent.path)
    return Trainer(network, for_all_processes(FINETUNE), device, teacher=teacher)


def _plan(asked: FineTune, home: Path, seconds: float) -> RunPlan:
    return RunPlan(
        checkpoint=home / "learnt.safetensors",
        seed=asked.seed,
        draw=lambda share: None,
        save_seconds=SAVE_SECONDS,
        log_every=LOG_EVERY,
        seconds=seconds,
    )


def _write(snapshot: SnapshotDataset, made: CandidateFiles, parent: Version, base: Base, device: str) -> None:
    """The candidates, each with the network before for what it is not for."""
    domain, projects = Domain(parent.path, base.train, device), projects_of(snapshot)
    learnt = [load_checkpoint(file.with_name("learnt.safetensors")) for file in made.folds]
    for fold, file, network in zip(folds(snapshot), made.folds, learnt, strict=True):
        save_checkpoint(network, file, generalist=domain.generalist(fold.learnt, projects))
    mean, whole = mean_of(learnt, learnt[0].config), domain.generalist(snapshot, projects)
    save_checkpoint(mean, made.mean, generalist=whole, finetuned_from=parent.name)

"""`click99 finetune`: from what people saved to a better network, or to the reason why it is none.

A snapshot of the record, training on its two folds from the served version (learning/folds.py), the mean of
both added to the registry, the gate, and if it says so the pointer moved. Stopped anywhere, the same command
goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import torch
from rich.console import Console

from click99.registry.jobs import Jobs
from click99.registry.lines import PROJECTS
from click99.registry.versions import Registry, RegistryError, Version
from click99.segmentation.device import chosen_device
from click99.segmentation.predictor import Predictor
from click99_training.base import Base, open_base
from click99_training.learning.bought import Costs, evidence, write_page
from click99_training.learning.fold_training import CandidateFiles, train
from click99_training.learning.folds import folds
from click99_training.learning.gate import Decision, judge
from click99_training.learning.progress import Progress
from click99_training.learning.run_start import JUDGING, FineTune, RunStart, begin
from click99_training.loop.distributed import join, wait_for_all, world
from click99_training.loop.log import progress_bar

TRAINING = 1 - JUDGING  # of the minutes


def finetune(asked: FineTune, collect: Callable, console: Console, costs: Costs = tuple) -> Decision | None:
    """Collect, train, judge, and promote what is better. None in all processes of torchrun but the first.

    Args:
        collect: writes a snapshot of the record into a folder.
        costs: of all saved masks in the record, for the page of what was bought.

    Raises:
        ValueError: nothing can be learnt or decided, or another fine-tune is running; the message says why.
        RunInterrupt: by SIGTERM or Ctrl-C; OSError: by the disk, say. The same command goes on from there.
    """
    device = join(torch.device(chosen_device(asked.device)))
    registry, first = Registry.at(asked.home, asked.registry_url), world()[0] == 0
    alone = Jobs.at(asked.home).running_here(asked.out, asked.projects) if first else nullcontext()
    with alone, Progress(asked.out) as progress:
        if first:
            begin(asked, registry, collect, progress)
        wait_for_all()
        begun = RunStart.read(asked.out)
        registry = registry.of_line(begun.line)
        parent, base = registry.get(begun.parent), open_base(asked.base_data)
        if first:
            console.print(_what_comes(begun), soft_wrap=True)
        made = train(asked, begun, parent, base, device, progress, 60 * TRAINING * begun.minutes)
        if not first:
            return None
        facts = {"run": str(asked.out), "snapshot": begun.snapshot, "minutes": begun.minutes}
        facts |= {"learnt_images": sorted(set(begun.open().images))}
        whose = {"line": begun.line, PROJECTS: begun.projects}
        candidate = registry.add(made.mean, parent=parent.name, **facts, **whose)
        decision = _decide(asked, begun, registry, candidate, made, base, progress, console)
        gate = registry.get(candidate.name).facts["gate"]
        if gate["promoted"] or gate["challenges"]:
            _keep_page(asked, begun, registry, candidate, decision, costs, console)
        return decision


def _decide(
    asked: FineTune,
    begun: RunStart,
    registry: Registry,
    candidate: Version,
    made: CandidateFiles,
    base: Base,
    progress: Progress,
    console: Console,
) -> Decision:
    """Judge the candidate against what is served by now, and move the pointer if it is better."""
    registry.pull()
    seconds, served = 60 * (1 - TRAINING) * begun.minutes, registry.chosen(asked.pinned)
    paths = (served.path, candidate.path, *made.folds)
    first, mean, *candidates = (Predictor.load(path, chosen_device(asked.device)) for path in paths)
    with progress_bar(shown=True) as bar:
        task = bar.add_task("judging", total=1, line="")

        def tick(message: str, share: float) -> None:
            bar.update(task, completed=share, line=message)
            progress.tell("gate", share, (1 - share) * seconds, message, candidate=candidate.name)
            progress.stop_if_asked()

        parts = folds(begun.open())
        decision = judge(first, candidates, mean, parts, base.gate, seconds, tick)
    registry.add_facts(candidate.name, gate={"against": served.name, **decision.to_json()})
    if decision.promoted:
        decision = _promote(registry, candidate, decision, "" if asked.pinned else served.name)
    console.print(decision.table())
    console.print(_what_is_left(decision, candidate, asked), soft_wrap=True)
    progress.tell("done", 1, 0, decision.reason, candidate=candidate.name, promoted=decision.promoted)
    made.forget()
    return decision


def _promote(registry: Registry, candidate: Version, decision: Decision, against: str) -> Decision:
    """Unless somebody chose another version while it was judged: that stands."""
    try:
        registry.promote(candidate.name, decision.reason, by="gate", judged_against=against)
    except RegistryError as error:
        decision = replace(decision, promoted=False, reason=f"{decision.reason}. But {error}")
        gate = registry.get(candidate.name).facts["gate"]
        noted = {"promoted": False, "challenges": False, "reason": decision.reason}
        registry.add_facts(candidate.name, gate=gate | noted)
    return decision


def _keep_page(
    asked: FineTune,
    begun: RunStart,
    registry: Registry,
    candidate: Version,
    decision: Decision,
    costs: Costs,
    console: Console,
) -> None:
    """What it bought, also of a challenger, which may be promoted later."""
    against, judged = registry.get(candidate.name).facts["gate"]["against"], begun.open()
    kept = evidence(candidate.name, against, decision.reason, decision.judged, judged)
    page = write_page(asked.home, kept, costs)
    registry.add_facts(candidate.name, page=str(page))
    console.print(f"What it {'bought' if decision.promoted else 'would buy'}: {page}", soft_wrap=True)


def _what_comes(begun: RunStart) -> str:
    images, minutes = len(set(begun.open().images)), begun.minutes
    return (
        f"{images} images. {TRAINING * minutes:.3g} minutes of training, half of them on either half of the "
        f"images, then {(1 - TRAINING) * minutes:.3g} of judging by the half that was not learnt from."
    )


def _what_is_left(decision: Decision, candidate: Version, asked: FineTune) -> str:
    """For whoever wants the candidate served."""
    if not decision.promoted:
        return f"To serve it all the same: click99 models promote {candidate.name}"
    if asked.pinned:
        return f"But CLICK99_MODEL pins servers to {asked.pinned}: unset it for them to follow."
    whose = f" --project {line}" if (line := candidate.facts.get("line")) else ""
    return f"Running servers follow within seconds. Back: click99 models rollback{whose}"

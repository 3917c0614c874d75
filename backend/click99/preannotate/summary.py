"""What people are told of a run of `click99 preannotate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from click99.preannotate.project import Tally

FEW = 3  # names that a message gives


def check(done: Tally, project: int, file: Path | None) -> None:
    """ValueError when there is nothing that masks could be made of. file: a detector's."""
    if not done.tasks:
        remedy = f"Import pictures: click99 connect --project {project} --images FOLDER"
        raise ValueError(f"project {project}: it has no tasks. {remedy}")
    if done.names and 0 < done.files == len(done.unknown):
        raise ValueError(f"{_unknown(done, project, file)}. Give them those names in it")
    if not file and {*done.tasks} == {"without boxes or points"}:
        problem = "no task has a prediction with labelled boxes or points"
        remedy = "Import such predictions, or give a detector's file: --prompts boxes.csv"
        raise ValueError(f"project {project}: {problem}. {remedy}")


def remarks(done: Tally, project: int, file: Path | None, version: str) -> Iterator[str]:
    """A line each: what was left out, which of a detector's pictures no task has, and what was passed by."""
    yield from done.left_out
    if done.unknown and done.names:
        yield _unknown(done, project, file)
    if before := done.tasks["done before"]:
        of = f", whatever {file} says of them" if file else ""
        yield f"{before} tasks have a prediction of {version}, and stay as they are{of}: --anew replaces it."


def counts(done: Tally, version: str, apply: bool) -> str:
    """The last line."""
    tasks = ", ".join(f"{count} {outcome}" for outcome, count in done.tasks.most_common())
    made = "by" if apply else "would be made by"
    return f"Tasks: {tasks}. {done.masks} masks {made} {version}; {len(done.left_out)} left out."


def _unknown(done: Tally, project: int, file: Path | None) -> str:
    named = f"{len(done.unknown)} of its {done.files} pictures" if done.files > 1 else "its picture"
    names = dict.fromkeys(done.names)
    problem = f"no task of project {project} has {named}: {_few([*done.unknown])}"
    return f"{file}: {problem}. The tasks have {_few([*names])}"


def _few(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more

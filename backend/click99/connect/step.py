"""What was done, or would be, to a project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from rich.console import Console
from rich.markup import escape

Outcome = Literal["kept", "changed", "to do", "not used", "problem"]


class Step(NamedTuple):
    """subject: what it is about. kept: it was right already; to do: a dry run leaves it so.
    not used: an option that has no effect on what is there."""

    subject: str
    outcome: Outcome
    detail: str


def change(subject: str, detail: str, applied: bool) -> Step:
    """What was changed, or in a dry run would be."""
    return Step(subject, "changed" if applied else "to do", detail)


MARKS: dict[Outcome, str] = {
    "kept": "[green]✓[/]",
    "changed": "[green]+[/]",
    "to do": "[yellow]·[/]",
    "not used": "[yellow]![/]",
    "problem": "[red]✗[/]",
}


def report(steps: Iterable[Step], console: Console) -> bool:
    """Print each as it is done; whether there was no problem."""
    right = True
    for step in steps:
        told = (
            f"[yellow]would be:[/] {escape(step.detail)}" if step.outcome == "to do" else escape(step.detail)
        )
        console.print(f"{MARKS[step.outcome]} {step.subject}: {told}", soft_wrap=True)
        right &= step.outcome != "problem"
    return right

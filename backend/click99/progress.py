"""What long commands show: how far they are, how long it takes yet, and what Ctrl-C leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

Tick = Callable[[int, int], None]  # so many are done, of so many
QUIET: Tick = lambda done, total: None  # noqa: E731


@contextmanager
def progress(what: str, stopped: str) -> Iterator[Tick]:
    """A bar with the time left, where stderr is a terminal; on Ctrl-C stderr is told `stopped`, and the exit
    code is 1."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
            row = shown.add_task(what, total=None)
            yield lambda done, total: shown.update(row, completed=done, total=total)
    except KeyboardInterrupt:
        typer.echo(f"Stopped: {stopped}", err=True)
        raise typer.Exit(1) from None

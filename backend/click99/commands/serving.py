"""`click99 serve`, `doctor`."""

from __future__ import annotations

import typer

from click99.commands.options import with_settings
from click99.server.settings import Settings


@with_settings()
def serve(settings: Settings) -> None:
    """Serve masks to Label Studio until Ctrl-C.

    click99 serve --host 0.0.0.0 --label-studio-url http://studio:8080
    """
    from click99.server.serve import run

    run(settings)


@with_settings()
def doctor(settings: Settings) -> None:
    """Check settings, checkpoint, Label Studio, its projects and images; exit code 1 on a problem.

    click99 doctor --label-studio-url http://localhost:8080
    """
    from rich.console import Console

    from click99.server.doctor import report

    if not report(settings, Console()):
        raise typer.Exit(1)

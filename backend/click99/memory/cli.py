"""The commands `click99 memory …` but `list`, which asks Label Studio for names (`click99.commands`). Heavy
imports wait inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

memory = typer.Typer(
    no_args_is_help=True, help="What accepted masks have taught, by project and label; nothing is trained."
)

Home = Annotated[Path, typer.Option(envvar="CLICK99_HOME", help="Folder of the record.")]
Url = Annotated[
    str, typer.Option(envvar="CLICK99_DATABASE_URL", help="The record's database; unset: in CLICK99_HOME.")
]
Project = Annotated[str, typer.Option(help="Label Studio's number of the project, or the record's key.")]
Label = Annotated[str, typer.Option(help="As Label Studio shows it.")]
HOME = Path("~/.click99")


@memory.command()
def show(project: Project, label: Label, home: Home = HOME, database_url: Url = "") -> None:
    """Show the masks of a label, and what the person's first click on each would have been answered with.

    click99 memory show --project 12 --label cat
    """
    from click99.memory.overview import masks_table

    Console().print(masks_table(home, database_url, project, label))


@memory.command()
def forget(project: Project, label: Label, home: Home = HOME, database_url: Url = "") -> None:
    """Forget what a label's masks taught; the masks stay in the record. Those saved later teach again.

    click99 memory forget --project 12 --label cat
    """
    from click99.memory import overview

    count = overview.forget(home, database_url, project, label)
    Console().print(f"{count} masks forgotten. Running servers follow within a minute.")

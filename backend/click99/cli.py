"""The `click99` command. Heavy imports wait inside the commands, so that `click99 --help` is instant."""

from __future__ import annotations

import errno
from typing import Any

import typer
from typer.core import TyperGroup

from click99 import __version__
from click99.commands.learning import collect, finetune, watch
from click99.commands.projects import config, connect, disconnect, preannotate
from click99.commands.record import db, export, recover, sync
from click99.commands.serving import doctor, serve
from click99.commands.statistics import stats
from click99.demo import demo
from click99.demo.errors import DemoError
from click99.extras import remedy
from click99.headless.cli import cutout, segment
from click99.labelstudio.errors import LabelStudioError
from click99.memory.cli import memory
from click99.registry.cli import models
from click99.segmentation.cli import describe, import_weights
from click99_training.cli import (
    ablation,
    average,
    compose,
    cooldown,
    evaluate,
    fit_quality,
    prove_learning,
    report,
    shards,
    train,
    validate,
)
from click99_training.loop.stop_request import RunInterrupt

# What to do about a file, by what the system says of it.
REMEDIES = {
    errno.ENOENT: "Is it spelt right, and is its folder there?",
    errno.EACCES: "Choose another place, or change who may read and write there",
    errno.EISDIR: "Name a file in it",
    errno.ENOTDIR: "Part of its path is a file: choose another",
    errno.ENOSPC: "Make room, or choose another place",
}


class Commands(TyperGroup):
    """An expected failure of any command is told on stderr, without a traceback; exit code 2.

    A run that was stopped ends with exit code 1.
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except RunInterrupt:
            typer.echo("Stopped, and saved: the same command goes on.", err=True)
            raise typer.Exit(1) from None
        except expected() as error:
            typer.echo(f"Error: {told(error)}", err=True)
            raise typer.Exit(2) from None


def expected() -> tuple[type[Exception], ...]:
    """Failures that the caller, a disk or another program is to blame for, and that say what to do."""
    from sqlalchemy.exc import SQLAlchemyError

    return LabelStudioError, DemoError, SQLAlchemyError, OSError, ValueError, ModuleNotFoundError, MemoryError


def told(error: Exception) -> str:
    """What a failure says; of a database's only the first line, without the SQL."""
    from sqlalchemy.exc import SQLAlchemyError

    if isinstance(error, ModuleNotFoundError):
        return remedy(error)
    if isinstance(error, MemoryError):
        return f"it needs more memory than is free ({error}). Free some, or give it smaller pictures"
    if isinstance(error, OSError) and error.strerror and error.filename:
        what = REMEDIES.get(error.errno or 0, "Choose another place")
        return f"{error.filename}: {error.strerror}. {what}"
    text = str(error) or type(error).__name__
    return text.splitlines()[0] if isinstance(error, SQLAlchemyError) else text


app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
)


def tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"click99 {__version__}")
        raise typer.Exit


@app.callback()
def click99(
    version: bool = typer.Option(
        False, "--version", callback=tell_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Clicks in, masks out: interactive segmentation for Label Studio.

    Exit codes: 0 done, 1 done but something is wrong, 2 not done: a line says why.
    """


for command in (
    serve,
    doctor,
    recover,
    sync,
    collect,
    preannotate,
    export,
    finetune,
    watch,
    config,
    connect,
    disconnect,
    stats,
    demo,
    cutout,
    segment,
    describe,
    import_weights,
    train,
    cooldown,
    shards,
    compose,
    evaluate,
    validate,
    report,
    ablation,
    average,
    fit_quality,
    prove_learning,
):
    app.command()(command)
app.add_typer(db, name="db")
app.add_typer(models, name="models")
app.add_typer(memory, name="memory")


if __name__ == "__main__":
    app()

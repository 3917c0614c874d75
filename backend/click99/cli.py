"""The `click99` command. Heavy imports wait inside the commands, so that `click99 --help` is instant."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rich.markup import escape
from typer.core import TyperGroup

from click99 import __version__
from click99.demo import demo
from click99.demo.errors import DemoError
from click99.extras import remedy
from click99.labelstudio.errors import LabelStudioError
from click99.registry.cli import models
from click99.segmentation.cli import describe, import_weights
from click99.server.settings import Settings, variable
from click99_training.cli import (
    ablation,
    average,
    compose,
    cooldown,
    evaluate,
    fit_quality,
    prove_learning,
    report,
    train,
    validate,
)
from click99_training.loop.stop_request import RunInterrupt


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

    return LabelStudioError, DemoError, SQLAlchemyError, OSError, ValueError, ModuleNotFoundError


def told(error: Exception) -> str:
    """What a failure says; of a database's only the first line, without the SQL."""
    from sqlalchemy.exc import SQLAlchemyError

    if isinstance(error, ModuleNotFoundError):
        return remedy(error)
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


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` one option per setting, each with its environment variable and help text.

    What the command takes besides the settings stay options of its own.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    def run(**given: Any) -> None:
        options = {option.name: given.pop(option.name) for option in own}
        try:
            settings = Settings(**given)
        except ValidationError as error:
            raise ValueError("; ".join(map(explain, error.errors()))) from None
        command(settings, **options)

    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=typer.Option(
                    field.default, envvar=variable(name), help=escape(str(field.description))
                ),
                annotation=field.annotation,
            )
            for name, field in Settings.model_fields.items()
        ]
        + [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in own]
    )
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def explain(error: ErrorDetails) -> str:
    """One invalid setting: the variable's name where there is one, and what is wrong."""
    name = f"{variable(str(error['loc'][0]))}: " if error["loc"] else ""
    return name + error["msg"].removeprefix("Value error, ")


@app.command()
@with_settings
def serve(settings: Settings) -> None:
    """Serve masks to Label Studio until Ctrl-C."""
    from click99.server.serve import run

    run(settings)


@app.command()
@with_settings
def doctor(settings: Settings) -> None:
    """Check settings, checkpoint, Label Studio, its projects and images; exit code 1 on a problem."""
    from rich.console import Console

    from click99.server.doctor import report

    if not report(settings, Console()):
        raise typer.Exit(1)


@app.command()
@with_settings
def recover(
    settings: Settings,
    project: int | None = typer.Option(None, help="Only this project's annotations."),
    apply: bool = typer.Option(False, "--apply", help="Write the masks into the annotations."),
) -> None:
    """Make masks again that were submitted before they were accepted; shows them, --apply writes them."""
    from rich.console import Console

    from click99.server import recover

    if not recover.run(settings, project, apply, Console()):
        raise typer.Exit(1)


@app.command()
@with_settings
def sync(
    settings: Settings,
    project: int | None = typer.Option(None, help="Only this project; with --export: the exported one."),
    export: Path | None = typer.Option(
        None, help="Record this export instead: JSON, or a folder or zip of brush PNGs."
    ),
) -> None:
    """Bring the record of annotations up to date with Label Studio, or import an export into it."""
    from rich.console import Console

    from click99.server import sync

    sync.run(settings, project, export, Console())


@app.command()
@with_settings
def collect(
    settings: Settings,
    out: Path = typer.Option(..., help="A new folder for the data set."),
    project: str | None = typer.Option(None, help="Only this project."),
    label: str | None = typer.Option(None, help="Only masks of this label."),
    annotator: str | None = typer.Option(None, help="Only masks that this user saved (an id)."),
    since: datetime | None = typer.Option(None, help="Only masks saved then or later (UTC)."),
    until: datetime | None = typer.Option(None, help="Only masks saved before (UTC)."),
    corrected: bool = typer.Option(False, "--corrected", help="Only masks that took more than one click."),
    agreement: float = typer.Option(
        0.0, min=0, max=1, help="IoU that two annotators' masks need; 0: one annotator is enough."
    ),
    link: bool = typer.Option(False, "--link", help="Refer to images in CLICK99_HOME instead of copying."),
) -> None:
    """Make an immutable data set of masks that people saved, with their clicks (docs/reference/record.md)."""
    from click99.annotations.saved_masks import MaskFilter
    from click99.server.saved_images import image_store, saved_images
    from click99.server.storage import open_database
    from click99_training.learning.collect import collect

    after, before = (time.replace(tzinfo=UTC) if time else None for time in (since, until))
    which = MaskFilter(project, label, annotator, after, before, corrected)
    database, images = open_database(settings), saved_images(settings)
    made = collect(database, out, which, images, agreement, image_store(settings) if link else None)
    for message in made.left_out + made.contradictions:
        typer.echo(message, err=True)
    splits = ", ".join(f"{made.masks[split]} {split}" for split in ("train", "val", "test"))
    typer.echo(f"{made.masks.total()} masks ({splits}) in {out}; {len(made.left_out)} left out.")


@app.command()
@with_settings
def finetune(
    settings: Settings,
    data: Path | None = typer.Option(None, help="A snapshot of click99 collect; unset: collected now."),
    minutes: float = typer.Option(15.0, min=0.01, help="How long to train; judging it takes some more."),
    out: Path | None = typer.Option(None, help="The run's folder; a run that stopped there goes on."),
) -> None:
    """Learn from what people saved, and serve what came of it if it is better (docs/explanation/learning.md).

    On several GPUs: torchrun --nproc-per-node N -m click99.cli finetune --out RUN …
    """
    from rich.console import Console

    from click99.annotations.saved_masks import MaskFilter
    from click99.registry.job import write_cancel
    from click99.server.saved_images import image_store, saved_images
    from click99.server.storage import open_database
    from click99_training.learning.collect import collect
    from click99_training.learning.finetune import FineTune, finetune

    def collected(folder: Path) -> None:
        images, store = saved_images(settings), image_store(settings)
        made = collect(open_database(settings), folder, MaskFilter(), images, store=store)
        for message in made.left_out + made.contradictions:
            typer.echo(message, err=True)

    out = out or settings.home / "finetune" / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}"
    asked = FineTune(
        out=out,
        home=settings.home,
        minutes=minutes,
        data=data,
        pinned=settings.model,
        base_data=settings.base_data,
        device=settings.device,
        threads=settings.threads,
    )
    try:
        finetune(asked, collected, Console())
    except RunInterrupt:
        write_cancel(out)
        typer.echo(f"Stopped. To go on: click99 finetune --out {out} --minutes {minutes:g}", err=True)
        raise typer.Exit(1) from None


@app.command()
def config(
    labels: str = typer.Option(help="By commas, in the order of their keys: cat,dog."),
    kind: str = typer.Option("brush", help="What masks become: brush, bitmask, polygon; box, keys: brush."),
) -> None:
    """Print a label config for your labels, to paste into Label Studio (docs/reference/label-config.md)."""
    from click99.labelstudio.config_text import config_text

    typer.echo(config_text(kind, [label.strip() for label in labels.split(",")]), nl=False)


@app.command()
@with_settings
def stats(
    settings: Settings,
    by: str = typer.Option("version", help="A row for each project, label, annotator or model version."),
    project: str | None = typer.Option(None, help="Only this project."),
    label: str | None = typer.Option(None, help="Only masks of this label."),
    plot: Path | None = typer.Option(None, help="Draw it over time, into this PNG, SVG or PDF."),
) -> None:
    """Show what saved masks took: clicks, seconds, how good the first mask was (docs/reference/record.md)."""
    from rich.console import Console

    from click99.annotations.saved_masks import MaskFilter
    from click99.server.storage import open_database
    from click99_training.learning import stats

    if by not in stats.BY:
        raise ValueError(f"--by {by}: not one of {', '.join(stats.BY)}")
    with open_database(settings).reading() as session:
        found = stats.costs(session, MaskFilter(project=project, label=label))
    if not found:
        typer.echo("The record has no saved mask with clicks yet. Click, save, or run click99 sync.")
        return
    Console().print(stats.table(found, by))
    if plot:
        stats.plot(found, by, plot)


db = typer.Typer(no_args_is_help=True, help="The record's database: its schema, and the way to a newer one.")


@db.command("status")
@with_settings
def show_schema(settings: Settings) -> None:
    """Show the schema's revision; exit code 1 when it must be upgraded, or is too new."""
    from click99.server.storage import open_database

    database = open_database(settings)
    schema = database.schema()
    typer.echo(f"{database.name}: {schema}")
    if schema.problem:
        raise typer.Exit(1)


@db.command("upgrade")
@with_settings
def upgrade_schema(settings: Settings) -> None:
    """Bring an older schema to this version's (docs/reference/record.md); keep a backup of an SQLite file."""
    from click99.server.storage import open_database

    database = open_database(settings)
    database.upgrade()
    typer.echo(f"{database.name}: {database.schema()}")


app.add_typer(db, name="db")
app.add_typer(models, name="models")
app.command()(demo)
app.command()(describe)
app.command()(import_weights)
app.command()(train)
app.command()(cooldown)
app.command()(compose)
app.command()(evaluate)
app.command()(validate)
app.command()(report)
app.command()(ablation)
app.command()(average)
app.command()(fit_quality)
app.command()(prove_learning)


if __name__ == "__main__":
    app()

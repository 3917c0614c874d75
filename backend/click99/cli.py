"""The `click99` command. Heavy imports wait inside the commands, so that `click99 --help` is instant."""

from __future__ import annotations

import errno
import inspect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from rich.markup import escape
from typer.core import TyperGroup

from click99 import __version__
from click99.demo import demo
from click99.demo.errors import DemoError
from click99.extras import remedy
from click99.headless.cli import cutout, segment
from click99.labelstudio.errors import ApiError, LabelStudioError
from click99.memory.cli import memory
from click99.progress import progress
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

if TYPE_CHECKING:
    from click99.annotations.saved_masks import MaskFilter
    from click99.connect.backend import Backend
    from click99.dashboard.costs import Cost
    from click99.dashboard.names import Names
    from click99.labelstudio.client import Client


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

    return LabelStudioError, DemoError, SQLAlchemyError, OSError, ValueError, ModuleNotFoundError


def told(error: Exception) -> str:
    """What a failure says; of a database's only the first line, without the SQL."""
    from sqlalchemy.exc import SQLAlchemyError

    if isinstance(error, ModuleNotFoundError):
        return remedy(error)
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


# Settings by what a command is about: its help names those. `serve` and `doctor` name all.
RECORD = ("home", "database_url")
LABEL_STUDIO = ("label_studio_url", "label_studio_api_key")
PICTURES = (*LABEL_STUDIO, "label_studio_host", "allowed_hosts", "image_mb", "image_megapixels")
NETWORK = ("home", "registry_url", "model", "device", "threads")


def with_settings(*shown: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option per setting, each with its environment variable and help text.

    What it takes besides the settings stay options of its own. shown: the settings that its help names, if
    not all; it takes the others, too.
    """

    assert {*shown} <= {*Settings.model_fields}, shown

    def given_settings(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

        def run(**given: Any) -> None:
            options = {option.name: given.pop(option.name) for option in own}
            try:
                settings = Settings(**given)
            except ValidationError as error:
                raise ValueError("; ".join(map(explain, error.errors()))) from None
            command(settings, **options)

        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in own]
            + [setting(name, field, shown) for name, field in Settings.model_fields.items()]
        )
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return given_settings


def setting(name: str, field: FieldInfo, shown: Sequence[str]) -> inspect.Parameter:
    """A setting as an option, shown after a command's own."""
    option = typer.Option(
        field.default,
        envvar=variable(name),
        help=escape(str(field.description)),
        rich_help_panel="Settings; the others: click99 serve --help" if shown else "Settings",
        hidden=bool(shown) and name not in shown,
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=option, annotation=field.annotation)


# Which saved masks a command is about.
OfProject = Annotated[str | None, typer.Option(help="Only this project.")]
OfLabel = Annotated[str | None, typer.Option(help="Only masks of this label.")]
OfAnnotator = Annotated[str | None, typer.Option(help="Only masks that this user saved (an id).")]
Since = Annotated[datetime | None, typer.Option(help="Only masks saved then or later (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Only masks saved before (UTC).")]
Corrected = Annotated[bool, typer.Option("--corrected", help="Only masks that took more than one click.")]


def in_utc(time: datetime | None) -> datetime | None:
    """As it was typed, without a zone."""
    return time and time.replace(tzinfo=UTC)


def explain(error: ErrorDetails) -> str:
    """One invalid setting: the variable's name where there is one, and what is wrong."""
    name = f"{variable(str(error['loc'][0]))}: " if error["loc"] else ""
    return name + error["msg"].removeprefix("Value error, ")


@app.command()
@with_settings()
def serve(settings: Settings) -> None:
    """Serve masks to Label Studio until Ctrl-C.

    click99 serve --host 0.0.0.0 --label-studio-url http://studio:8080
    """
    from click99.server.serve import run

    run(settings)


@app.command()
@with_settings()
def doctor(settings: Settings) -> None:
    """Check settings, checkpoint, Label Studio, its projects and images; exit code 1 on a problem.

    click99 doctor --label-studio-url http://localhost:8080
    """
    from rich.console import Console

    from click99.server.doctor import report

    if not report(settings, Console()):
        raise typer.Exit(1)


@app.command()
@with_settings(*RECORD, *PICTURES, *NETWORK, "polygon_tolerance", "clean_percent")
def recover(
    settings: Settings,
    project: int | None = typer.Option(None, help="Only this project's annotations."),
    apply: bool = typer.Option(False, "--apply", help="Write the masks into the annotations."),
) -> None:
    """Make masks again that were submitted before they were accepted, and keep once what was saved twice;
    shows them, --apply writes them.

    click99 recover --project 12 --apply
    """
    from rich.console import Console

    from click99.server import recover

    if not recover.run(settings, project, apply, Console()):
        raise typer.Exit(1)


@app.command()
@with_settings(*RECORD, *LABEL_STUDIO)
def sync(
    settings: Settings,
    project: int | None = typer.Option(None, help="Only this project; with --export: the exported one."),
    export: Path | None = typer.Option(
        None, help="Record this export instead: JSON, or a folder or zip of brush PNGs."
    ),
) -> None:
    """Bring the record of annotations up to date with Label Studio, or import an export into it.

    click99 sync --project 12
    """
    from rich.console import Console

    from click99.server import sync

    sync.run(settings, project, export, Console())


@app.command()
@with_settings(*RECORD, *PICTURES)
def collect(
    settings: Settings,
    out: Path = typer.Option(..., help="A new folder for the data set."),
    project: OfProject = None,
    label: OfLabel = None,
    annotator: OfAnnotator = None,
    since: Since = None,
    until: Until = None,
    corrected: Corrected = False,
    agreement: float = typer.Option(
        0.0, min=0, max=1, help="IoU that two annotators' masks need; 0: one annotator is enough."
    ),
    link: bool = typer.Option(False, "--link", help="Refer to images in CLICK99_HOME instead of copying."),
) -> None:
    """Make an immutable data set of masks that people saved, with their clicks (docs/reference/record.md).

    click99 collect --out cells-1 --label cell --corrected
    """
    from click99.annotations.saved_masks import MaskFilter
    from click99.server.saved_images import image_store, saved_images
    from click99.server.storage import open_database
    from click99_training.learning.collect import collect

    which = MaskFilter(project, label, annotator, in_utc(since), in_utc(until), corrected)
    database, images = open_database(settings), saved_images(settings)
    store = image_store(settings) if link else None
    with progress("pictures", f"nothing is in {out}; the same command begins anew.") as tick:
        made = collect(database, out, which, images, agreement, store, tick)
    for message in made.left_out + made.contradictions:
        typer.echo(message, err=True)
    splits = ", ".join(f"{made.masks[split]} {split}" for split in ("train", "val", "test"))
    typer.echo(f"{made.masks.total()} masks ({splits}) in {out}; {len(made.left_out)} left out.")


@app.command()
@with_settings(*PICTURES, *NETWORK, "polygon_tolerance", "clean_percent")
def preannotate(
    settings: Settings,
    project: int = typer.Option(..., min=1, help="The project's number, as its address shows it."),
    prompts: Path | None = typer.Option(
        None,
        exists=True,
        dir_okay=False,
        help="A detector's boxes or points, COCO JSON or CSV; unset: those of the tasks' predictions.",
    ),
    anew: bool = typer.Option(False, "--anew", help="Replace what this model version has predicted, too."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Predict nothing, count what would be."),
) -> None:
    """Give tasks predictions of masks, made from boxes or points, for people to refine by clicks.

    Tasks that somebody has annotated, or that this model version has predicted, are passed by: stopped
    anywhere, the same command goes on (docs/how-to/preannotate.md). Exit code 1 when something is left out.

    click99 preannotate --project 12 --prompts boxes.csv
    """
    from click99.preannotate import summary
    from click99.preannotate.project import Preannotation
    from click99.preannotate.prompts import of_file
    from click99.server.image_source import image_source
    from click99.server.models import load_served
    from click99.sessions import MemoryStore, Sessions

    detected = of_file(prompts) if prompts else None
    client = known_label_studio(settings)
    smallest = settings.clean_percent / 100
    sessions = Sessions(load_served(settings), MemoryStore(2**26, 600), smallest=smallest)
    load = image_source(settings, client).get
    preannotation = Preannotation(client, sessions, load, settings.polygon_tolerance, detected, anew)
    with progress("tasks", "the same command goes on.") as tick:
        done = preannotation.run(project, not dry_run, tick)
    summary.check(done, project, prompts)
    for message in summary.remarks(done, project, prompts, sessions.version):
        typer.echo(message, err=True)
    typer.echo(summary.counts(done, sessions.version, not dry_run))
    if done.left_out:
        raise typer.Exit(1)


@app.command()
@with_settings(*RECORD, *PICTURES)
def export(
    settings: Settings,
    out: Path = typer.Option(..., help="A new folder."),
    form: str = typer.Option(
        "coco", "--format", help="coco, coco-polygons, yolo, masks, voc, cutouts or huggingface."
    ),
    no_images: bool = typer.Option(False, "--no-images", help="Name the pictures instead of writing them."),
    project: OfProject = None,
    label: OfLabel = None,
    annotator: OfAnnotator = None,
    since: Since = None,
    until: Until = None,
    corrected: Corrected = False,
) -> None:
    """Write the masks that people saved in a form that other tools read (docs/reference/exports.md).

    click99 export --out cells --format yolo --project 3
    """
    from click99.annotations.saved_masks import MaskFilter
    from click99.export.export import export
    from click99.server.saved_images import saved_images
    from click99.server.storage import open_database

    which = MaskFilter(project, label, annotator, in_utc(since), in_utc(until), corrected)
    pixels = None if no_images else saved_images(settings)
    with progress("pictures", f"nothing is in {out}; the same command begins anew.") as tick:
        done = export(open_database(settings), out, form, which, pixels, tick)
    for message in done.left_out:
        typer.echo(message, err=True)
    typer.echo(f"{done.told(out)} {len(done.left_out)} left out.")


@app.command()
@with_settings(*RECORD, *PICTURES, *NETWORK, "base_data")
def finetune(
    settings: Settings,
    data: Path | None = typer.Option(None, help="A snapshot of click99 collect; unset: collected now."),
    minutes: float = typer.Option(15.0, min=0.01, help="How long to train and to judge."),
    out: Path | None = typer.Option(None, help="The run's folder; a run that stopped there goes on."),
) -> None:
    """Learn from what people saved, and serve what came of it if it is better (docs/explanation/learning.md).

    On several GPUs: torchrun --nproc-per-node N -m click99.cli finetune --out RUN …

    click99 finetune --minutes 30 --out runs/cells --data cells-1
    """
    from rich.console import Console

    from click99.annotations.saved_masks import MaskFilter
    from click99.registry.job import write_cancel
    from click99.server.saved_images import image_store, saved_images
    from click99.server.storage import open_database
    from click99_training.learning.collect import collect
    from click99_training.learning.finetune import finetune
    from click99_training.learning.run_start import FineTune

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
        registry_url=settings.registry_url,
    )
    try:
        finetune(asked, collected, Console(), partial(costs, settings))
    except RunInterrupt:
        write_cancel(out)
        typer.echo(f"Stopped. To go on: {asked.command()}", err=True)
        raise typer.Exit(1) from None


def costs(settings: Settings) -> Sequence[Cost]:
    """Of all masks that people saved."""
    from click99.annotations.saved_masks import MaskFilter, saved_masks
    from click99.dashboard.costs import cost
    from click99.server.storage import open_database

    with open_database(settings).reading() as session:
        return [cost(found) for found in saved_masks(session, MaskFilter())]


@app.command()
@with_settings(*RECORD, *PICTURES, *NETWORK)
def watch(
    settings: Settings,
    out: Path | None = typer.Option(None, help="The look's folder."),
) -> None:
    """Judge what the gate promoted by the images annotated with it since; go back if it is surely worse.

    A server does this by itself, after every 30 images (docs/explanation/learning.md).

    click99 watch --out runs/look
    """
    from click99.annotations.saved_masks import MaskFilter
    from click99.registry.job import write_cancel
    from click99.registry.versions import Registry
    from click99.segmentation.device import chosen_device, use_threads
    from click99.server.saved_images import image_store, saved_images
    from click99.server.storage import open_database
    from click99_training.learning.collect import collect
    from click99_training.learning.watch import watch

    def collected(folder: Path, version: str) -> None:
        which, images = MaskFilter(version=version), saved_images(settings)
        made = collect(open_database(settings), folder, which, images, store=image_store(settings))
        for message in made.left_out:
            typer.echo(message, err=True)

    if settings.model:
        typer.echo("Nothing is watched: CLICK99_MODEL pins servers to a checkpoint.")
        return
    use_threads(settings.threads)
    out = out or settings.home / "watch" / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}"
    registry = Registry.at(settings.home, settings.registry_url)
    try:
        device, told = chosen_device(settings.device), partial(costs, settings)
        typer.echo(watch(settings.home, out, registry, collected, device, told).said)
    except RunInterrupt:
        write_cancel(out)
        typer.echo("Stopped. Nothing was moved.", err=True)
        raise typer.Exit(1) from None


@app.command()
def config(
    labels: str = typer.Option(help="By commas, in the order of their keys: cat,dog."),
    kind: str = typer.Option("brush", help="What masks become: brush, bitmask, polygon; box, keys: brush."),
) -> None:
    """Print a label config for your labels, to paste into Label Studio (docs/reference/label-config.md).

    click99 config --labels cat,dog --kind polygon
    """
    from click99.labelstudio.config_text import config_text

    typer.echo(config_text(kind, [label.strip() for label in labels.split(",")]), nl=False)


@app.command()
@with_settings("home", *LABEL_STUDIO, "port", "basic_auth_user", "basic_auth_password", "webhook_secret")
def connect(
    settings: Settings,
    project: int = typer.Option(0, min=0, help="The project's number, as its address shows it."),
    create: str = typer.Option("", help="Instead: the project of this title, made if there is none."),
    images: Path | None = typer.Option(None, help="Upload the pictures of this folder as tasks."),
    labels: str = typer.Option("", help="By commas, for a label config that has none: cat,dog."),
    kind: str = typer.Option("", help="What masks become in a new project: as of click99 config."),
    backend: str = typer.Option("", help="click99's address, as Label Studio reaches it; unset: localhost."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Change nothing, tell what would be."),
) -> None:
    """Set up a project of Label Studio for clicks: label config, ML backend, events, and a click to prove it.

    Nothing that is there is taken away, and a second run changes nothing. Exit code 1 on a problem.

    click99 connect --create "My project" --images photos --labels cat,dog
    """
    from rich.console import Console

    from click99.connect.connection import ProjectPlan, connect
    from click99.connect.step import report

    if bool(project) == bool(create):
        raise ValueError('which project? --project 12, or --create "My project"')
    chosen = [label.strip() for label in labels.split(",")] if labels else []
    plan = ProjectPlan(asked_backend(settings, backend), project, create, images, chosen, kind)
    if not report(connect(known_label_studio(settings), plan, not dry_run), Console()):
        raise typer.Exit(1)


@app.command()
@with_settings("home", *LABEL_STUDIO, "port")
def disconnect(
    settings: Settings,
    project: int = typer.Option(..., min=1, help="The project's number, as its address shows it."),
    backend: str = typer.Option("", help="click99's address, as it was connected; unset: localhost."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Change nothing, tell what would be."),
) -> None:
    """Remove click99 from a project of Label Studio; tasks, annotations and the label config stay.

    click99 disconnect --project 12
    """
    from rich.console import Console

    from click99.connect.connection import disconnect
    from click99.connect.step import report

    steps = disconnect(known_label_studio(settings), project, asked_backend(settings, backend), not dry_run)
    report(steps, Console())


def known_label_studio(settings: Settings) -> Client:
    """The one that is set, or that a server has learned of in CLICK99_HOME."""
    from click99.server.connection import Connection

    if client := Connection(settings).client:
        return client
    problem = "not set, and no server has learned of one"
    raise ApiError("LABEL_STUDIO_URL", problem, "Set it, and LABEL_STUDIO_API_KEY to a token of yours there")


def asked_backend(settings: Settings, url: str) -> Backend:
    """click99 as Label Studio is to know it."""
    from click99.connect.backend import Backend
    from click99.labelstudio.client import origin

    url = (url or f"http://localhost:{settings.port}").rstrip("/")
    if not origin(url):
        raise ValueError(f"--backend {url}: no address. Give it as http://host:port")
    return Backend(url, settings.basic_auth_user, settings.basic_auth_password, settings.webhook_secret)


@app.command()
@with_settings(*RECORD, *LABEL_STUDIO, "registry_url")
def stats(
    settings: Settings,
    by: str = typer.Option(
        "", help="A row for each project, label, annotator or model version; unset: version."
    ),
    project: OfProject = None,
    label: OfLabel = None,
    plot: Path | None = typer.Option(None, help="Draw it over time, into this PNG, SVG or PDF."),
    html: Path | None = typer.Option(
        None, help="Write the dashboard there instead: all labels, in one file (docs/reference/dashboard.md)."
    ),
) -> None:
    """Show what saved masks took: clicks, seconds, how good the first mask was (docs/reference/record.md).

    click99 stats --by label --project 3
    """
    from rich.console import Console

    from click99.annotations.saved_masks import MaskFilter
    from click99.dashboard.names import Names
    from click99.server.storage import open_database
    from click99_training.learning import stats

    if by and by not in stats.BY:
        raise ValueError(f"--by {by}: not one of {', '.join(stats.BY)}")
    given = [("--by", by), ("--label", label), ("--plot", plot)]
    if html and (beside := " ".join(f"{option} {value}" for option, value in given if value)):
        problem = f"{beside}: not with --html, whose page shows projects, labels, annotators and versions"
        raise ValueError(f"{problem}. Leave out either")
    which, by = MaskFilter(project=project, label=label), by or "version"
    with open_database(settings).reading() as session:
        found = [] if html else stats.costs(session, which)
        clicked = stats.any_clicked(session, which) if html else bool(found)
        there = {} if clicked else stats.clicked_labels(session)
    if not clicked:
        return typer.echo(stats.nothing_told(which, there, names_for_people(settings) if there else Names()))
    if html:
        return write_dashboard(settings, html, which)
    names = names_for_people(settings) if by in ("project", "annotator") else Names()
    Console().print(stats.table(found, by, names))
    if plot:
        stats.plot(found, by, plot, names)


def names_for_people(settings: Settings) -> Names:
    """Of projects and annotators, as a Label Studio that is known tells them."""
    from click99.dashboard.names import Names
    from click99.server.connection import Connection

    return Names.of(Connection(settings).client)


def write_dashboard(settings: Settings, html: Path, which: MaskFilter) -> None:
    """One project's, or all projects'."""
    from click99.dashboard.page import dashboard
    from click99.files import replacing
    from click99.registry.versions import Registry
    from click99.server.saved_images import saved_images
    from click99.server.storage import open_database

    registry = Registry.pulled(settings.home, settings.registry_url)
    names = names_for_people(settings)
    page = dashboard(open_database(settings), registry, which, saved_images(settings), names)
    with replacing(html) as file:
        file.write(page.encode())
    typer.echo(f"dashboard: {html}")


@memory.command("list")
@with_settings(*RECORD, *LABEL_STUDIO)
def list_labels(settings: Settings) -> None:
    """Show every label that masks were learnt of, what its first clicks use, and what that brings.

    click99 memory list
    """
    from rich.console import Console

    from click99.memory.overview import labels_table

    table = labels_table(settings.home, settings.database_url, names_for_people(settings).project)
    Console().print(table if table.rows else "Nothing is remembered yet.")


db = typer.Typer(no_args_is_help=True, help="The record's database: its schema, and the way to a newer one.")


@db.command("status")
@with_settings(*RECORD)
def show_schema(settings: Settings) -> None:
    """Show the schema's revision; exit code 1 when it must be upgraded, or is too new.

    click99 db status --database-url postgresql://localhost/click99
    """
    from click99.server.storage import open_database

    database = open_database(settings)
    schema = database.schema()
    typer.echo(f"{database.name}: {schema}")
    if schema.problem:
        raise typer.Exit(1)


@db.command("upgrade")
@with_settings(*RECORD)
def upgrade_schema(settings: Settings) -> None:
    """Bring an older schema to this version's (docs/reference/record.md); keep a backup of an SQLite file.

    click99 db upgrade --database-url postgresql://localhost/click99
    """
    from click99.server.storage import open_database

    database = open_database(settings)
    database.upgrade()
    typer.echo(f"{database.name}: {database.schema()}")


app.add_typer(db, name="db")
app.add_typer(models, name="models")
app.add_typer(memory, name="memory")
app.command()(demo)
app.command()(cutout)
app.command()(segment)
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

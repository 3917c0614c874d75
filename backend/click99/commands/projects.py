"""`click99 config`, `connect`, `disconnect`, `preannotate`: projects of Label Studio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from click99.commands.options import LABEL_STUDIO, NETWORK, PICTURES, with_settings
from click99.labelstudio.errors import ApiError
from click99.progress import progress
from click99.server.settings import Settings

if TYPE_CHECKING:
    from click99.connect.backend import Backend
    from click99.labelstudio.client import Client


def config(
    labels: str = typer.Option(help="By commas, in the order of their keys: cat,dog."),
    kind: str = typer.Option("brush", help="What masks become: brush, bitmask, polygon; box, keys: brush."),
) -> None:
    """Print a label config for your labels, to paste into Label Studio (docs/reference/label-config.md).

    click99 config --labels cat,dog --kind polygon
    """
    from click99.labelstudio.config_text import config_text

    typer.echo(config_text(kind, [label.strip() for label in labels.split(",")]), nl=False)


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
    from click99.server.refusals import Refusals

    def refused(since: float) -> list[str]:
        return [each.message for each in Refusals(settings.home).since(since)]

    if bool(project) == bool(create):
        raise ValueError('which project? --project 12, or --create "My project"')
    chosen = [label.strip() for label in labels.split(",")] if labels else []
    plan = ProjectPlan(asked_backend(settings, backend), project, create, images, chosen, kind)
    if not report(connect(known_label_studio(settings), plan, not dry_run, refused), Console()):
        raise typer.Exit(1)


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
    sessions = Sessions(load_served(settings, str(project)), MemoryStore(2**26, 600), smallest=smallest)
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

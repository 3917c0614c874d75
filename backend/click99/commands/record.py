"""`click99 sync`, `recover`, `export`, `db …`: the record of what people did."""

from __future__ import annotations

from pathlib import Path

import typer

from click99.commands.options import (
    LABEL_STUDIO,
    NETWORK,
    PICTURES,
    RECORD,
    Corrected,
    OfAnnotator,
    OfLabel,
    OfProject,
    Since,
    Until,
    in_utc,
    with_settings,
)
from click99.progress import progress
from click99.server.settings import Settings

db = typer.Typer(no_args_is_help=True, help="The record's database: its schema, and the way to a newer one.")


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
        done = export(open_database(settings).existing(), out, form, which, pixels, tick)
    for message in done.left_out:
        typer.echo(message, err=True)
    typer.echo(f"{done.told(out)} {len(done.left_out)} left out.")


@db.command("status")
@with_settings(*RECORD)
def show_schema(settings: Settings) -> None:
    """Show the schema's revision; exit code 1 when it must be upgraded, or is too new.

    click99 db status --database-url postgresql://localhost/click99
    """
    from click99.server.storage import open_database

    database = open_database(settings).existing()
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

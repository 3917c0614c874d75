"""`click99 stats`, `memory list`: what masks took, and what they taught."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from click99.commands.options import LABEL_STUDIO, RECORD, OfLabel, OfProject, with_settings
from click99.memory.cli import memory
from click99.server.settings import Settings

if TYPE_CHECKING:
    from click99.annotations.saved_masks import MaskFilter
    from click99.dashboard.names import Names


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
    with open_database(settings).existing().reading() as session:
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

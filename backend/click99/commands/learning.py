"""`click99 collect`, `finetune`, `watch`: what people saved makes the network better."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from click99.commands.options import (
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
from click99_training.loop.stop_request import RunInterrupt

TAUGHT = typer.Option(
    "", help="Learn from this project, and those that teach with it; unset: where most was corrected anew."
)

SNAPSHOT = "A snapshot of click99 collect, or s3://bucket/folder of click99 shards; unset: collected now."

if TYPE_CHECKING:
    from click99.dashboard.costs import Cost


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
    database, images = open_database(settings).existing(), saved_images(settings)
    store = image_store(settings) if link else None
    with progress("pictures", f"nothing is in {out}; the same command begins anew.") as tick:
        made = collect(database, out, which, images, agreement, store, tick)
    for message in made.left_out + made.contradictions:
        typer.echo(message, err=True)
    splits = ", ".join(f"{made.masks[split]} {split}" for split in ("train", "val", "test"))
    typer.echo(f"{made.masks.total()} masks ({splits}) in {out}; {len(made.left_out)} left out.")


@with_settings(*RECORD, *PICTURES, *NETWORK, "base_data", "lines")
def finetune(
    settings: Settings,
    data: str | None = typer.Option(None, help=SNAPSHOT),
    minutes: float = typer.Option(15.0, min=0.01, help="How long to train and to judge."),
    out: Path | None = typer.Option(None, help="The run's folder; a run that stopped there goes on."),
    project: str = TAUGHT,
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
        which = MaskFilter(project=projects or None)
        made = collect(open_database(settings), folder, which, images, store=store)
        for message in made.left_out + made.contradictions:
            typer.echo(message, err=True)

    projects = teaching(settings, project, data, out)
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
        projects=projects,
    )
    try:
        finetune(asked, collected, Console(), partial(costs, settings))
    except RunInterrupt:
        write_cancel(out)
        typer.echo(f"Stopped. To go on: {asked.command()}", err=True)
        raise typer.Exit(1) from None


@with_settings(*RECORD, *PICTURES, *NETWORK, "lines")
def watch(
    settings: Settings,
    out: Path | None = typer.Option(None, help="The look's folder."),
    project: str = typer.Option("", help="Whose line of versions; unset: the common one."),
) -> None:
    """Judge what the gate promoted by the images annotated with it since; go back if it is surely worse.

    Who challenges is judged, too. A server does this by itself, after every 30 images, or 10
    (docs/explanation/learning.md).

    click99 watch --out runs/look
    """
    from click99.annotations.saved_masks import MaskFilter
    from click99.registry.job import write_cancel
    from click99.registry.lines import group_of, line_of, taught_by
    from click99.registry.versions import Registry
    from click99.segmentation.device import chosen_device, use_threads
    from click99.server.saved_images import image_store, saved_images
    from click99.server.storage import open_database
    from click99_training.learning.collect import collect
    from click99_training.learning.watch import watch

    def collected(folder: Path, version: str) -> None:
        which = MaskFilter(project=projects or None, version=version or None)
        images = saved_images(settings)
        made = collect(open_database(settings), folder, which, images, store=image_store(settings))
        for message in made.left_out:
            typer.echo(message, err=True)

    if settings.model:
        typer.echo("Nothing is watched: CLICK99_MODEL pins servers to a checkpoint.")
        return
    use_threads(settings.threads)
    out = out or settings.home / "watch" / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}"
    registry = Registry.at(settings.home, settings.registry_url)
    registry = line_of(registry, group_of(project, settings.lines))
    projects = taught_by(registry, settings.lines)
    try:
        device, told = chosen_device(settings.device), partial(costs, settings)
        typer.echo(watch(settings.home, out, registry, collected, device, told, projects).said)
    except RunInterrupt:
        write_cancel(out)
        typer.echo("Stopped. Nothing was moved.", err=True)
        raise typer.Exit(1) from None


def teaching(settings: Settings, project: str, data: str | None, out: Path | None) -> str:
    """The group of projects to learn from: as asked, as the run in `out` began, those whose masks `data`
    holds, or those with most new corrections; "": all."""
    from click99.registry.jobs import Jobs
    from click99.registry.lines import group_of, named
    from click99.server.retraining import corrected
    from click99.server.storage import open_database
    from click99_training.learning.run_start import RunStart, projects_in
    from click99_training.loop.distributed import is_first

    if project:
        return group_of(project, settings.lines)
    if out and (out / "run.json").exists():
        return RunStart.read(out).projects
    if data:
        groups = {group_of(each, settings.lines) for each in projects_in(data)}
        return groups.pop() if len(groups) == 1 else ""
    new = corrected(open_database(settings), Jobs.at(settings.home), settings.lines)
    chosen = next(iter(new), "")
    if len(new) > 1 and is_first():
        others = ", ".join(f"{named(each)}: {count}" for each, count in new.items() if each != chosen)
        told = f"Learning from {named(chosen)}, with {new[chosen]} new corrected annotations ({others})"
        typer.echo(f"{told}. Another: --project; together: CLICK99_LINES")
    return chosen


def costs(settings: Settings) -> Sequence[Cost]:
    """Of all masks that people saved."""
    from click99.annotations.saved_masks import MaskFilter, saved_masks
    from click99.dashboard.costs import cost
    from click99.server.storage import open_database

    with open_database(settings).reading() as session:
        return [cost(found) for found in saved_masks(session, MaskFilter())]

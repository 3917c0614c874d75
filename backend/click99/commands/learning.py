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
    database, images = open_database(settings), saved_images(settings)
    store = image_store(settings) if link else None
    with progress("pictures", f"nothing is in {out}; the same command begins anew.") as tick:
        made = collect(database, out, which, images, agreement, store, tick)
    for message in made.left_out + made.contradictions:
        typer.echo(message, err=True)
    splits = ", ".join(f"{made.masks[split]} {split}" for split in ("train", "val", "test"))
    typer.echo(f"{made.masks.total()} masks ({splits}) in {out}; {len(made.left_out)} left out.")


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


def costs(settings: Settings) -> Sequence[Cost]:
    """Of all masks that people saved."""
    from click99.annotations.saved_masks import MaskFilter, saved_masks
    from click99.dashboard.costs import cost
    from click99.server.storage import open_database

    with open_database(settings).reading() as session:
        return [cost(found) for found in saved_masks(session, MaskFilter())]

"""The commands `click99 train` and `click99 evaluate`. Heavy imports wait inside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

DATA_WITH_MANIFEST = typer.Option(exists=True, file_okay=False, help="A folder with a manifest.csv.")
DATA_WITH_MASKS = typer.Option(exists=True, file_okay=False, help="A folder with images/ and masks/.")
CHECKPOINT = typer.Option(help="A .safetensors file; the shipped one if not given.")


@contextmanager
def told_plainly() -> Iterator[None]:
    """What the caller can mend (files, names, schedules) is told in one line, without a traceback."""
    try:
        yield
    except (OSError, ValueError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None


def train(
    data: Annotated[Path, DATA_WITH_MANIFEST],
    out: Annotated[Path, typer.Option(help="The run's folder; a run that stopped there is resumed.")],
    preset: Annotated[str, typer.Option(help="Network and recipe.")] = "compact",
    images: Annotated[int, typer.Option(min=1, help="How many crops to train on.")] = 10500,
    start_from: Annotated[Path | None, typer.Option(help="Go on from this checkpoint's weights.")] = None,
    rate: Annotated[float, typer.Option(help="Factor on the recipe's learning rates.")] = 1.0,
    crops: Annotated[str, typer.Option(help="side:batch:share,… instead of the recipe's.")] = "",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    save_minutes: Annotated[float, typer.Option(min=0, help="Between resumable saves.")] = 4.0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads for the network.")] = 2,
) -> None:
    """Train click by click, from ImageNet weights or a checkpoint; writes OUT/PRESET.safetensors."""
    from training.train import Run, train

    run = Run(preset, data, out, images, seed, start_from, save_minutes, threads, rate, crops)
    with told_plainly():
        typer.echo(f"checkpoint: {train(run)}")


def evaluate(
    data: Annotated[Path, DATA_WITH_MASKS],
    dataset: Annotated[str, typer.Option(help="grabcut or berkeley: the name in the report.")],
    checkpoint: Annotated[Path | None, CHECKPOINT] = None,
    protocol: Annotated[str, typer.Option(help="paper or ritm: where the robot clicks.")] = "paper",
    json: Annotated[Path | None, typer.Option(help="Write all figures, per image too.")] = None,
    lenient: Annotated[bool, typer.Option(help="Click where people do, off the centre.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads for the network.")] = 2,
) -> None:
    """Let a robot annotate a data set: 20 clicks an image, judged after each (docs/evaluation.md)."""
    from training.evaluate import Evaluation, report

    with told_plainly():
        report(Evaluation(dataset, data, checkpoint, protocol, lenient, device, threads), json)

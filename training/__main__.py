"""`python -m training COMMAND`, which `click99 train` and `click99 evaluate` start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Train and evaluate the network.", no_args_is_help=True, pretty_exceptions_show_locals=False
)

Data = Annotated[Path, typer.Option(exists=True, file_okay=False, help="The data set's folder.")]


@app.command()
def train(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A folder with a manifest.csv.")],
    out: Annotated[Path, typer.Option(help="The run's folder; a run that stopped there is resumed.")],
    preset: Annotated[str, typer.Option(help="Network and recipe.")] = "compact",
    images: Annotated[int, typer.Option(min=1, help="How many crops to train on.")] = 17000,
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
    typer.echo(f"checkpoint: {train(run)}")


@app.command()
def evaluate(
    data: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="A folder with images/ and masks/.")
    ],
    dataset: Annotated[str, typer.Option(help="grabcut or berkeley: the name in the report.")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="A .safetensors file; the shipped one if not given.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write all figures, per image too.")] = None,
    lenient: Annotated[bool, typer.Option(help="Click where people do, off the centre.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads for the network.")] = 2,
) -> None:
    """Let the robot annotate a data set by the paper's protocol: 20 clicks an image, judged after each."""
    from training.evaluate import Evaluation, report

    report(Evaluation(dataset, data, checkpoint, lenient, device, threads), json)


if __name__ == "__main__":
    app()

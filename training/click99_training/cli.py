"""The commands around training and evaluation. Heavy imports wait inside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

DATA = typer.Option(exists=True, file_okay=False, help="The training data's folder.")
DATASET = typer.Option(help="Its layout: manifest, sbd, coco, folder, …")
SNAPSHOT = typer.Argument(exists=True, file_okay=False, help="A folder of click99 collect.")
RECIPE = typer.Option(help="compact, compact-endless, paper, paper-synth, …; the preset's own if not given.")
VARIANT_NAMES = typer.Option(help="Names, by commas; the five of Table 7 if not given.")
IMAGES = typer.Option(min=1, help="Crops to train on; the recipe's epochs if not given, or without end.")
ENDLESS = "The folder of click99 train --recipe compact-endless."
COOLDOWN_IMAGES = typer.Option(min=1, help="Crops over which they fall; a tenth of the run's if not given.")
DATA_WITH_MASKS = typer.Option(exists=True, file_okay=False, help="A folder with images/ and masks/.")
BENCHMARK = typer.Option(help="grabcut, berkeley, sbd, …, or a name of yours for images/ and masks/.")
EVALUATIONS = typer.Argument(exists=True, dir_okay=False, help="Files of click99 evaluate --json.")
ABLATION_FOLDER = "The folder of click99 ablation: VARIANT.DATASET.json."
REGIMES_FOLDER = "A folder of SBD.DATASET.json, Synth.DATASET.json, Synth+FT.DATASET.json."
CONTACT_SHEET = "The picture of click99 compose --preview."
DOMAINS = "A second such folder; its sources become rows."
CHECKPOINT = typer.Option(help="A .safetensors file; the shipped one if not given.")


def _folder_or_bucket(place: str) -> str:
    if "://" not in place and not Path(place).is_dir():
        raise typer.BadParameter(f"Directory '{place}' does not exist.")
    return place


DATA_PLACE = typer.Option(
    callback=_folder_or_bucket, help="The training data's folder; of shards also s3://bucket/folder."
)


def train(
    data: Annotated[str, DATA_PLACE],
    out: Annotated[Path, typer.Option(help="The run's folder; a run that stopped there is resumed.")],
    preset: Annotated[str, typer.Option(help="compact or paper: the network.")] = "compact",
    dataset: Annotated[str, DATASET] = "manifest",
    recipe: Annotated[str, RECIPE] = "",
    variant: Annotated[str, typer.Option(help="Of the ablation, such as +T+I or bce.")] = "",
    images: Annotated[int | None, IMAGES] = None,
    start_from: Annotated[Path | None, typer.Option(help="Go on from this checkpoint's weights.")] = None,
    rate: Annotated[float, typer.Option(help="Factor on the recipe's learning rates.")] = 1.0,
    crops: Annotated[str, typer.Option(help="side:batch:share,… instead of the recipe's.")] = "",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    save_minutes: Annotated[float, typer.Option(min=0, help="Between resumable saves.")] = 4.0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads for the network.")] = 2,
) -> None:
    """Train click by click, from ImageNet weights or a checkpoint; writes OUT/PRESET.safetensors.

    On several GPUs: torchrun --nproc-per-node N -m click99.cli train …

    click99 train --data DATA --out runs/mine --images 20000
    """
    from click99_training.loop.distributed import is_first
    from click99_training.loop.run import Run
    from click99_training.loop.train import train

    run = Run(
        preset=preset,
        data=data,
        dataset=dataset,
        out=out,
        recipe=recipe,
        variant=variant,
        images=images,
        start_from=start_from,
        rate=rate,
        crops=crops,
        seed=seed,
        save_minutes=save_minutes,
        device=device,
        threads=threads,
    )
    made = train(run)
    if is_first():
        typer.echo(f"checkpoint: {made}")


def cooldown(
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False, help=ENDLESS)],
    out: Annotated[Path, typer.Option(help="Its own folder; a cooldown that stopped there goes on.")],
    images: Annotated[int | None, COOLDOWN_IMAGES] = None,
) -> None:
    """Let the rates of a run at a constant rate fall, from where it saved last; the run can go on meanwhile.

    The rates fall in a straight line; writes OUT/PRESET.safetensors, to be shipped. RUN stays as it is.

    click99 cooldown runs/endless --out runs/cooled
    """
    from click99_training.loop.cooldown import cool_down

    typer.echo(f"checkpoint: {cool_down(run, out, images)}")


def shards(
    snapshot: Annotated[Path, SNAPSHOT],
    out: Annotated[str, typer.Option(help="A new folder, or s3://bucket/folder.")],
) -> None:
    """Write a snapshot as a few large files, to train from them in a bucket (docs/how-to/data-sets.md).

    click99 shards cells-1 --out s3://bucket/cells-1
    """
    from click99.progress import progress
    from click99_training.learning.shards import write_shards

    with progress("images", f"what is in {out} is unfinished; the same command begins anew.") as tick:
        masks = write_shards(snapshot, out, tick)
    told = ", ".join(f"{count} {split}" for split, count in masks.items())
    typer.echo(f"{sum(masks.values())} masks ({told}) in {out}.")


def compose(
    data: Annotated[Path, DATA],
    dataset: Annotated[str, DATASET] = "manifest",
    split: Annotated[str, typer.Option(help="Of the data: train, val, …")] = "train",
    out: Annotated[Path | None, typer.Option(help="Cut every object out into OUT/foregrounds.")] = None,
    preview: Annotated[Path | None, typer.Option(help="A picture of samples, or of the cut-outs.")] = None,
    recipe: Annotated[str, typer.Option(help="Whose composites the picture shows.")] = "compact",
    count: Annotated[int, typer.Option(min=1, help="How many samples the picture shows.")] = 18,
    seed: Annotated[int, typer.Option(help="Of the samples that the picture shows.")] = 0,
) -> None:
    """Cut objects out for the synthetic set, or show what training will see (docs/how-to/data-sets.md).

    click99 compose --dataset folder --data PHOTOS --out SYNTH --preview cutouts.png
    """
    from click99_training.datasets.compose import Composition, compose

    typer.echo(compose(Composition(data, dataset, split, out, preview, recipe, count, seed)))


def average(
    checkpoints: Annotated[list[Path], typer.Argument(help="Of one network, such as of runs in a row.")],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
) -> None:
    """Average the weights of checkpoints: of runs that go on from each other often better than each.

    The mean has no quality head; click99 fit-quality gives it one.

    click99 average runs/one/compact.safetensors runs/two/compact.safetensors --out mean.safetensors
    """
    from click99_training.loop.average import average

    typer.echo(f"checkpoint: {average(checkpoints, out)}")


def fit_quality(
    data: Annotated[Path, DATA],
    start_from: Annotated[Path, typer.Option(help="The network to fit it to.")],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    dataset: Annotated[str, DATASET] = "manifest",
    pictures: Annotated[
        int, typer.Option(min=20, help="Pictures to look at; a tenth of them judges.")
    ] = 1500,
    seed: Annotated[int, typer.Option(help="Of the pictures and of what is fitted.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads for the network.")] = 2,
) -> None:
    """Fit a new quality head, by which windows are chosen, to a network that stays as it is: a mean, say.

    click99 fit-quality --data DATA --start-from mean.safetensors --out fitted.safetensors
    """
    from click99_training.loop.quality_fit import QualityFit, fit_quality

    first, chosen, best = fit_quality(QualityFit(data, start_from, out, dataset, pictures, seed, threads))
    told = f"of the whole picture {first:.3f}, of the chosen look {chosen:.3f}, of the best {best:.3f}"
    typer.echo(f"IoU after one click, {told}\ncheckpoint: {out}")


def evaluate(
    data: Annotated[Path, DATA_WITH_MASKS],
    dataset: Annotated[str, BENCHMARK],
    checkpoint: Annotated[Path | None, CHECKPOINT] = None,
    protocol: Annotated[str, typer.Option(help="paper or ritm: where the robot clicks.")] = "paper",
    json: Annotated[Path | None, typer.Option(help="Write all figures, per image too.")] = None,
    lenient: Annotated[bool, typer.Option(help="Click where people do, off the centre.")] = False,
    mosaic: Annotated[int, typer.Option(min=1, help="Put each image among N × N of the data's.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads for the network.")] = 2,
) -> None:
    """Let a robot annotate a data set: 20 clicks an image, each judged (docs/reference/evaluation.md).

    Stopped, the same command goes on where it has a --json.

    click99 evaluate --data GrabCut --dataset grabcut --json grabcut.json
    """
    from click99_training.evaluation.evaluate import Evaluation, report

    with _stopped_by_ctrl_c(json):
        report(Evaluation(dataset, data, checkpoint, protocol, lenient, device, threads, mosaic), json)


def validate(
    data: Annotated[Path, DATA],
    domains: Annotated[Path | None, typer.Option(exists=True, file_okay=False, help=DOMAINS)] = None,
    checkpoint: Annotated[Path | None, CHECKPOINT] = None,
    each: Annotated[int, typer.Option(min=2, help="Samples of each row, at most.")] = 24,
    clicks: Annotated[int, typer.Option(min=5, help="Clicks a sample.")] = 20,
    json: Annotated[Path | None, typer.Option(help="Write the IoUs, to compare others with.")] = None,
    against: Annotated[Path | None, typer.Option(exists=True, help="Such a file of another one.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads for the network.")] = 2,
) -> None:
    """Judge a checkpoint on held-out pictures that look like people's work: a table and one number.

    Stopped, the same command goes on with the next row where it has a --json.

    click99 validate --data DATA --checkpoint runs/mine/compact.safetensors
    """
    from click99_training.evaluation.validation import Validation, validate

    with _stopped_by_ctrl_c(json):
        validate(Validation(data, domains, checkpoint, each, clicks, threads), json, against)


@contextmanager
def _stopped_by_ctrl_c(out: Path | None) -> Iterator[None]:
    """RunInterrupt, where there is a file beside which what is done is kept."""
    from click99_training.loop.stop_request import RunInterrupt

    try:
        yield
    except KeyboardInterrupt:
        if out:
            raise RunInterrupt from None
        raise


def report(
    evaluations: Annotated[list[Path] | None, EVALUATIONS] = None,
    out: Annotated[Path, typer.Option(help="The folder for report.html, PNG and CSV.")] = Path("report"),
    ablation: Annotated[Path | None, typer.Option(exists=True, help=ABLATION_FOLDER)] = None,
    regimes: Annotated[Path | None, typer.Option(exists=True, help=REGIMES_FOLDER)] = None,
    data: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER: a data set's pictures.")] = None,
    composites: Annotated[Path | None, typer.Option(exists=True, help=CONTACT_SHEET)] = None,
    log: Annotated[Path | None, typer.Option(exists=True, help="A training run's log.csv.")] = None,
) -> None:
    """Make the paper's tables and figures from evaluations, as one HTML page with PNG and CSV beside it.

    click99 report grabcut.json --data grabcut=GrabCut --out report
    """
    from click99_training.report.inputs import read_inputs
    from click99_training.report.page import write_report

    pictures = _named_folders("--data", data or [])
    inputs = read_inputs(evaluations or [], ablation, regimes, pictures, composites, log)
    typer.echo(f"report: {write_report(inputs, out)}")


def ablation(
    data: Annotated[Path, DATA],
    benchmark: Annotated[list[str], typer.Option(help="NAME=FOLDER of images/ and masks/; may be repeated.")],
    out: Annotated[Path, typer.Option(help="Its folder; an ablation that stopped there goes on.")],
    images: Annotated[int, typer.Option(min=1, help="Crops to train each variant on.")],
    preset: Annotated[str, typer.Option(help="compact or paper: the network.")] = "compact",
    dataset: Annotated[str, DATASET] = "manifest",
    recipe: Annotated[str, RECIPE] = "",
    variants: Annotated[str, VARIANT_NAMES] = "",
    crops: Annotated[str, typer.Option(help="side:batch:share,… instead of the recipe's.")] = "",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads for the network.")] = 2,
) -> None:
    """Train and evaluate every variant with one seed and budget; writes OUT/table.csv (Table 7).

    click99 ablation --data DATA --benchmark grabcut=GrabCut --images 2000 --out runs/ablation
    """
    from click99.segmentation.presets import VARIANTS
    from click99_training.loop.ablation import Ablation, ablate
    from click99_training.loop.run import Run

    run = Run(preset, data, out, images, seed, crops=crops, recipe=recipe, dataset=dataset, threads=threads)
    names = variants.split(",") if variants else VARIANTS
    typer.echo(f"table: {ablate(Ablation(run, names, _named_folders('--benchmark', benchmark)))}")


def prove_learning(
    data: Annotated[Path, DATA_WITH_MASKS],
    out: Annotated[Path, typer.Option(help="The proof's folder; a proof that stopped there goes on.")],
    correct: Annotated[int, typer.Option(min=1, help="How many images are annotated, by their names.")] = 30,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of fine-tuning.")] = 15.0,
    base_benchmark: Annotated[
        list[str] | None, typer.Option(help="NAME=FOLDER that must not suffer.")
    ] = None,
    base_data: Annotated[Path | None, typer.Option(help="Instead of the shipped base set.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: as many as cores.")] = 0,
    held_out: Annotated[int, typer.Option(min=0, help="Judge by so many of the last; 0: all others.")] = 0,
    checkpoint: Annotated[Path | None, CHECKPOINT] = None,
    alone: Annotated[bool, typer.Option("--alone", help="And with what was learnt for all images.")] = False,
) -> None:
    """Annotate some images by robot, fine-tune, and show what that saves (docs/explanation/learning.md).

    click99 prove-learning --data DATA --out proof --correct 30 --minutes 15
    """
    from rich.console import Console

    from click99_training.learning.prove import Proof, prove

    out.mkdir(parents=True, exist_ok=True)
    benchmarks = _named_folders("--base-benchmark", base_benchmark or [])
    given = (benchmarks, base_data, device, threads, held_out, checkpoint, alone)
    prove(Proof(data, out, correct, minutes, *given), Console())


def _named_folders(option: str, pairs: list[str]) -> dict[str, Path]:
    split = [pair.partition("=") for pair in pairs]
    if bad := [pair for pair, (name, _, folder) in zip(pairs, split, strict=True) if not (name and folder)]:
        raise ValueError(f"{option} {bad[0]!r} is not NAME=FOLDER, such as grabcut=data/GrabCut")
    return {name: Path(folder) for name, _, folder in split}

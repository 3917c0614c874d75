"""The commands `click99 cutout` and `click99 segment`. Heavy imports wait inside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PICTURE = typer.Argument(exists=True, dir_okay=False, help="A picture.")
FOLDER = typer.Argument(exists=True, file_okay=False, help="A folder of pictures, with those inside of it.")
CLICKS = typer.Option(help='Pixels, origin top left, "-" before those not of the object: "40,30 -9,80".')
BOX = typer.Option(help='Around the object, "left,top,right,bottom"; clicks correct its mask.')
SMALLEST = typer.Option(
    min=0, max=100, help="Fill holes and drop islands below so many percent of it that no click asked for."
)
PROMPTS = typer.Option(exists=True, dir_okay=False, help="Boxes or points: CSV or COCO JSON.")
FORM = typer.Option("--format", help="coco, coco-polygons, yolo, masks, voc, cutouts or huggingface.")
CHECKPOINT = typer.Option(exists=True, help="A .safetensors file; the shipped one if not given.")
DEVICE = typer.Option(help="auto, cpu or cuda.")


def cutout(
    image: Annotated[Path, PICTURE],
    clicks: Annotated[str, CLICKS] = "",
    box: Annotated[str, BOX] = "",
    out: Annotated[Path | None, typer.Option(help="A PNG; IMAGE-cutout.png if not given.")] = None,
    alpha: Annotated[
        bool, typer.Option("--alpha", help="Write OUT-mask.png and the soft OUT-alpha.png, too.")
    ] = False,
    smallest: Annotated[float, SMALLEST] = 0.2,
    checkpoint: Annotated[Path | None, CHECKPOINT] = None,
    device: Annotated[str, DEVICE] = "auto",
) -> None:
    """Cut an object out of a picture by clicks: a PNG as large as it, softly transparent around the object.

    click99 cutout cup.jpg --clicks "300,180 360,150 -420,260"
    """
    from click99.headless.cutout import cut_out, parse_box, parse_clicks, write
    from click99.python import load, read

    asked, around = parse_clicks(clicks), parse_box(box) if box else None
    if not (around or any(click.positive for click in asked)):
        found = "which of these clicks is on the object" if asked else "what is the object"
        raise ValueError(f'{found}? --clicks "x,y", or --box "left,top,right,bottom"')
    out = out or image.with_name(f"{image.stem}-cutout.png")
    if out.suffix.lower() != ".png":
        raise ValueError(f"--out {out}: a cut-out is a PNG. Name it {out.with_suffix('.png').name}")
    if out.exists() and out.samefile(image):
        raise ValueError(f"--out {out}: that is the picture itself. Name another file")
    made = cut_out(load(checkpoint, device), read(image), asked, around, smallest / 100)
    if not made.mask.any():
        raise ValueError(f"{image}: the mask is empty. Click on the object's middle, or leave -x,y out")
    write(made, out, alpha)
    quality = f"; expected IoU {made.quality:.2f}" if made.quality is not None else ""
    typer.echo(f"{out}: {int((made.alpha > 127).sum())} pixels{quality}")


def segment(
    images: Annotated[Path, FOLDER],
    prompts: Annotated[Path, PROMPTS],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    form: Annotated[str, FORM] = "masks",
    alpha: Annotated[
        bool, typer.Option("--alpha", help="Write each object's soft mask, too: OUT/alphas/PICTURE_0.png, …")
    ] = False,
    checkpoint: Annotated[Path | None, CHECKPOINT] = None,
    device: Annotated[str, DEVICE] = "auto",
) -> None:
    """Make masks of a folder's pictures from a detector's boxes or points (docs/how-to/python.md).

    Stopped anywhere, the same command goes on. Exit code 1 when something is left out.

    click99 segment photos --prompts boxes.csv --out masks
    """
    from click99.export.export import checked, write
    from click99.headless.folder import Folder
    from click99.headless.kept import KeptMasks
    from click99.preannotate.prompts import of_file
    from click99.progress import progress
    from click99.python import load

    checked(out, form)
    model, asked = load(checkpoint, device), of_file(prompts)
    kept = KeptMasks(out, model.version, alpha)
    folder = Folder(images, asked, model, kept, alpha)
    if before := len(kept):
        typer.echo(f"Going on: masks of {before} pictures are there already.", err=True)
    with progress("pictures", "the same command goes on.") as tick:
        done = write(out, form, folder.labels, lambda leave_out: folder.pictures(leave_out, tick))
    kept.forget()
    for message in done.left_out:
        typer.echo(message, err=True)
    typer.echo(f"{done.told(out)} {len(done.left_out)} left out.")
    if done.left_out:
        raise typer.Exit(1)

"""The commands `click99 describe` and `click99 import-weights`. Heavy imports wait inside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from click99.segmentation.presets import PRESETS, VARIANTS, variant

PRESET = typer.Argument(help=f"{' or '.join(PRESETS)}.")
VARIANT = typer.Option(help=f"The network of an ablation variant: {', '.join(VARIANTS)}.")
RELEASED = typer.Argument(help="A .pth file: ImageNet ResNet-50 GN+WS, or the paper's released network.")


def describe(
    preset: Annotated[str, PRESET],
    variant: Annotated[str, VARIANT] = VARIANTS[-1],
    side: Annotated[int, typer.Option(min=32, help="Of a square input, a multiple of 32.")] = 352,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print a network's layers: shapes, parameters and multiply-adds, beside the paper's Tables 4 and 5.

    click99 describe compact --side 512
    """
    from click99.segmentation.describe import summary

    if side % 32:
        raise ValueError(f"--side {side} is no multiple of 32")
    facts = summary(_config(preset, variant), side, side)
    if json:
        import json as encoder

        typer.echo(encoder.dumps(facts, indent=1))
    else:
        _print_table(f"{preset} {variant}", facts)


def import_weights(
    file: Annotated[Path, RELEASED],
    out: Annotated[Path, typer.Argument(help="The checkpoint to write, a .safetensors file.")],
) -> None:
    """Make a checkpoint of released weights: one to click with, or from ImageNet one to train from.

    click99 import-weights R-50-GN-WS.pth.tar imagenet.safetensors
    """
    from click99.segmentation.released import import_weights

    layout = import_weights(file, out)
    use = f"click99 serve --model {out}" if layout == "paper" else f"click99 train --start-from {out} …"
    typer.echo(f"{out}: every tensor of the {layout} layout is in place. Use it: {use}")


def _config(preset: str, name: str) -> Any:
    if preset not in PRESETS:
        raise ValueError(f"preset {preset!r} is unknown, there is: {', '.join(PRESETS)}")
    return variant(PRESETS[preset], name)


def _print_table(title: str, facts: dict[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    size = f"{facts['height']} × {facts['width']}"
    table = Table(title=f"{title} at {size}", box=box.SIMPLE_HEAD, show_footer=True)
    table.add_column("layer", "sum")
    table.add_column("channels", justify="right")
    table.add_column("output", justify="right")
    table.add_column("parameters", f"{facts['parameters']:,}", justify="right")
    table.add_column("M multiply-adds", f"{facts['multiply_adds'] / 1e6:,.0f}", justify="right")
    tables = any(layer["table"] for layer in facts["layers"])
    if tables:
        table.add_column("the paper's tables")
    part = None
    for layer in facts["layers"]:
        if layer["part"] != part:
            part = layer["part"]
            table.add_section()
            table.add_row(f"[bold]{part}")
        cells = [
            f"  {layer['name']}",
            f"{layer['inputs']} → {layer['outputs']}",
            f"{layer['height']} × {layer['width']}",
            f"{layer['parameters']:,}",
            f"{layer['multiply_adds'] / 1e6:,.0f}",
        ]
        table.add_row(*cells, *([layer["table"]] if tables else []))
    Console().print(table)

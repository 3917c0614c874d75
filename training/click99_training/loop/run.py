"""A training run as plain configuration: what was asked for, and what that makes of recipe and network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from click99.files import replacing
from click99.segmentation.presets import NetworkConfig
from click99_training.loop.distributed import for_all_processes
from click99_training.loop.variants import configured
from click99_training.recipes import Recipe


@dataclass(frozen=True)
class Run:
    """One training run: what `click99 train` was asked for."""

    preset: str
    data: Path | str  # a folder, or s3://bucket/folder
    out: Path
    images: int | None = None  # crops to see; None = the recipe's epochs over the data, or without end
    seed: int = 0
    start_from: Path | None = None  # a checkpoint to go on from with fresh optimisers; None = ImageNet
    save_minutes: float = 4.0
    threads: int = 2
    rate: float = 1.0  # factor on the recipe's learning rates
    crops: str = ""  # "side:batch:share,…" instead of the recipe's
    recipe: str = ""  # its name; the preset's own if not given
    variant: str = ""  # of the ablation; the whole preset if not given
    dataset: str = "manifest"  # the layout of `data`, of datasets/registry.py
    device: str = "auto"
    begin: int = 0  # crops seen before its schedule begins, by the run that it branched off


@dataclass(frozen=True)
class RunConfig:
    """RUN/run.json: a run, and the recipe and the network that it has in the end."""

    run: Run
    recipe: Recipe
    network: NetworkConfig

    @classmethod
    def of(cls, run: Run) -> RunConfig:
        network, recipe = configured(run.preset, run.recipe, run.variant)
        return cls(run, adjusted(recipe, run), network)

    @classmethod
    def read(cls, folder: Path) -> RunConfig:
        return TypeAdapter(cls).validate_json((folder / "run.json").read_bytes())

    def write(self) -> None:
        with replacing(self.run.out / "run.json") as file:
            file.write(TypeAdapter(RunConfig).dump_json(self, indent=1))


def adjusted(recipe: Recipe, run: Run) -> Recipe:
    """The recipe with the run's own rates and crops, its batches as large as all processes' together."""
    rates = {"head_rate": recipe.head_rate * run.rate, "encoder_rate": recipe.encoder_rate * run.rate}
    crops = parse_crops(run.crops) if run.crops else recipe.crops
    return for_all_processes(replace(recipe, crops=crops, **rates))


def parse_crops(text: str) -> tuple[tuple[int, int, float], ...]:
    """The schedule of "side:batch:share,…"; sides are multiples of 32, shares sum to 1."""
    try:
        parts = [part.split(":") for part in text.split(",")]
        crops = tuple((int(side), int(batch), float(share)) for side, batch, share in parts)
    except ValueError:
        raise ValueError(f"crops {text!r} are not side:batch:share,… such as 160:6:0.5,256:4:0.5") from None
    if any(side % 32 or side <= 0 or batch <= 0 for side, batch, _ in crops):
        raise ValueError(f"crops {text!r}: sides must be multiples of 32, batches at least 1")
    if abs(sum(share for *_, share in crops) - 1) > 1e-6:
        raise ValueError(f"crops {text!r}: the shares must sum to 1")
    return crops

"""`click99 compose`: cut-outs for the synthetic set, and contact sheets to look at what training will see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from click99_training.datasets.contact_sheet import contact_sheet, cutout_sheet
from click99_training.datasets.cutouts import cut_out
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.registry import open_dataset
from click99_training.datasets.sample import Sample
from click99_training.datasets.skipped_samples import SkippedSamples, readable
from click99_training.recipes import RECIPES, Recipe


@dataclass(frozen=True)
class Composition:
    """What `click99 compose` was asked for."""

    data: Path
    dataset: str
    split: str = "train"
    out: Path | None = None  # where to put foregrounds/
    preview: Path | None = None  # the picture to write
    recipe: str = "compact"
    count: int = 18  # of samples on the picture
    seed: int = 0


def compose(asked: Composition) -> str:
    """Cut objects out, draw the contact sheet, or both; says what was done and what was skipped."""
    if not (asked.out or asked.preview):
        raise ValueError("say --out FOLDER to cut objects out, --preview FILE to look at samples, or both")
    if asked.recipe not in RECIPES:
        raise ValueError(f"recipe {asked.recipe!r} is unknown, there is: {', '.join(RECIPES)}")
    data = open_dataset(asked.dataset, asked.data, asked.split)
    skipped, done, cutouts = SkippedSamples(), [], []
    if asked.out:
        cutouts = build_foregrounds(data, asked.out / "foregrounds", skipped)
        done.append(f"{len(cutouts)} cut-outs in {asked.out / 'foregrounds'}")
    if asked.preview:
        shown = draws(data, RECIPES[asked.recipe], asked.seed, skipped)
        sheet = (
            cutout_sheet(cutouts[: asked.count]) if asked.out else contact_sheet(islice(shown, asked.count))
        )
        asked.preview.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sheet).save(asked.preview)
        done.append(f"contact sheet: {asked.preview}")
    return "\n".join([*done, *([str(skipped)] if skipped.all() else [])])


def build_foregrounds(data: SampleDataset, folder: Path, skipped: SkippedSamples) -> list[Path]:
    """Cut every object out of its image into folder/NAME.png with an alpha channel; void is left away."""
    folder.mkdir(parents=True, exist_ok=True)
    watched = track(readable(data, skipped), "cutting out", total=len(data), transient=True)
    return [_cut(sample, folder) for sample in watched]


def _cut(sample: Sample, folder: Path) -> Path:
    cutout = cut_out(sample)
    path = folder / f"{Path(sample.name).with_suffix('').as_posix().replace('/', '_')}.png"
    Image.fromarray(np.dstack([cutout.colours, cutout.alpha])).save(path)
    return path


def draws(data: SampleDataset, recipe: Recipe, seed: int, skipped: SkippedSamples) -> Iterator[Sample]:
    """What training would draw, one after the other: composites alone, where the data has any."""
    composites = replace(recipe, composite=1.0)
    for k in range(1000):
        try:
            yield data.draw(np.random.default_rng((seed, k)), composites)
        except SampleError as bad:
            skipped.add(bad)

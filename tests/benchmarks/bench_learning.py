"""Does a fine-tune pay on one kind of pictures, and what would a wrong choice between its networks cost?

    python -m tests.benchmarks.bench_learning DATA --source polyps --out OUT [--correct 30] [--held-out 50]
        [--minutes 15] [--others 60] [--checkpoint FILE] [--benchmark grabcut=GRABCUT]

DATA: a folder with manifest.csv (docs/how-to/data-sets.md). The pictures of one source, one object each, are
laid out in OUT/data, others of its held-out pictures, evenly over their sources, in OUT/others; then
`click99 prove-learning --alone` does the rest: a robot annotates the first ones over HTTP, the fine-tune
learns, its gate decides, and before, after, and what was learnt answering everything click through the last
ones, the others and the benchmarks. OUT/proof/proof.json has all figures: `reached` is the share of each set
that what was learnt answers. Stopped anywhere, the same command goes on.

--checkpoint: what it all begins with, such as one that was not trained on this kind (the shipped one knows
those of the model card). Over several kinds, and a curve over how many are corrected:

    for kind in bottles horses human leeds; do
        python -m tests.benchmarks.bench_learning TRAIN --source $kind --out OUT/$kind
    done
    for n in 10 20 30 60; do
        click99 prove-learning --data MICROGRAPHS --out OUT/$n --correct $n --held-out 20
    done
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from click99_training.datasets.image_files import read_image, read_mask
from click99_training.learning.prove import Proof, prove

KINDS = ("binary", "instances")
SMALLEST = 400  # pixels of an object
NUMBERS = 255  # an instance mask's value for what is ignored

Row = dict[str, str]


def rows(folder: Path) -> list[Row]:
    """Those of pictures with masks, in an order that says nothing."""
    with (folder / "manifest.csv").open(newline="") as file:
        found = [row for row in csv.DictReader(file) if row["kind"] in KINDS]
    return [found[k] for k in np.random.default_rng(0).permutation(len(found))]


def lay_out(folder: Path, chosen: Sequence[Row], out: Path, most: int) -> int:
    """Write up to `most` of them as images/NNNN.png and masks/NNNN.png, unless they are there -> how many."""
    written = len([*(out / "masks").glob("*.png")])
    if (out / "whole").exists():
        return written
    for name in ("images", "masks"):
        (out / name).mkdir(parents=True, exist_ok=True)
    written = 0
    for row in chosen:
        mask = object_of(read_mask(folder / row["mask"], indices=row["kind"] == "instances"), row["kind"])
        if written < most and mask is not None:
            for name, pixels in (("images", read_image(folder / row["file"])), ("masks", mask)):
                Image.fromarray(pixels).save(out / name / f"{written:04}.png")
            written += 1
    (out / "whole").touch()
    return written


def object_of(mask: np.ndarray, kind: str) -> np.ndarray | None:
    """The mask, or its largest object's: 0, 128 (ignored) and 255; None when it is too small."""
    if kind == "binary":
        return mask if (mask > 200).sum() >= SMALLEST else None
    areas = np.bincount(mask.ravel(), minlength=NUMBERS + 1)[1:NUMBERS]
    if areas.max() < SMALLEST:
        return None
    chosen = np.where(mask == areas.argmax() + 1, np.uint8(255), np.uint8(0))
    return np.where(mask == NUMBERS, np.uint8(128), chosen)


def evenly(found: Sequence[Row]) -> list[Row]:
    """One of each source by turns."""
    sources: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        sources[row["source"]].append(row)
    return [row for row in chain(*zip_longest(*sources.values())) if row]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--source", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--correct", type=int, default=30)
    parser.add_argument("--held-out", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--others", type=int, default=60)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--benchmark", action="append", default=[])
    parser.add_argument("--base-data", type=Path)
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    found = rows(asked.data)
    of_kind = [row for row in found if row["source"] == asked.source]
    others = evenly([row for row in found if row["source"] != asked.source and row["split"] == "val"])
    there = lay_out(asked.data, of_kind, asked.out / "data", asked.correct + asked.held_out)
    lay_out(asked.data, others, asked.out / "others", asked.others)
    benchmarks = {"others": asked.out / "others"}
    benchmarks |= {
        name: Path(folder) for name, _, folder in (each.partition("=") for each in asked.benchmark)
    }
    proof = Proof(
        asked.out / "data",
        asked.out / "proof",
        asked.correct,
        asked.minutes,
        benchmarks,
        asked.base_data,
        threads=asked.threads,
        held_out=min(asked.held_out, there - asked.correct),
        checkpoint=asked.checkpoint,
        alone=True,
    )
    proof.out.mkdir(parents=True, exist_ok=True)
    prove(proof, Console())


if __name__ == "__main__":
    main()

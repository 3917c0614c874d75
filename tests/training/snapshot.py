"""A small snapshot of our own: discs on noise, each with the clicks of a person."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from click99.segmentation.clicks import Click
from click99_training.learning.snapshots import image_name, save, seal, split_of
from click99_training.recipes import FINETUNE
from tests.training.samples import disc, scene

SIDE = 64
CLICKS: list[dict[str, Any]] = [
    {"x": 30, "y": 32, "positive": True, "origin": "nothing", "start": None},
    {"x": 4, "y": 5, "positive": False, "origin": "click", "start": None},
]
PEOPLE_S = tuple(Click(each["x"], each["y"], each["positive"]) for each in CLICKS)
ALWAYS = replace(FINETUNE, replayed=1.0, nearly_right=0.0)  # people's clicks are replayed


def pictures() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless images uint8 [SIDE, SIDE, 3] with their masks, 0/255."""
    for seed in itertools.count():
        mask = disc(SIDE, SIDE, 32, 32, 12 + seed % 8)
        yield scene(mask, seed), mask


def write_snapshot(folder: Path, images: int = 6, skip: int = 0, **line: Any) -> Path:
    """Sealed as `click99 collect` does it. skip: pictures that are left out, so that others come.
    line: changes of every line of clicks.jsonl."""
    lines = []
    for image, mask in itertools.islice(pictures(), skip, skip + images):
        name = image_name(image)
        split = split_of(name)
        file = f"{split}/masks/{name}_0.png"
        save(folder / split / "images" / f"{name}.png", image)
        save(folder / file, mask)
        lines.append(json.dumps({"mask": file, "clicks": CLICKS} | line))
    folder.mkdir(exist_ok=True)
    (folder / "clicks.jsonl").write_text("".join(f"{line}\n" for line in lines))
    seal(folder)
    return folder

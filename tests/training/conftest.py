"""A tiny data set of our own: coloured discs on noise, in the layout of a real one."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.samples import disc, scene
from tests.training.snapshot import write_snapshot

ROWS = [
    ("photo/a.png", "photo/a_mask.png", "binary", "train"),
    ("photo/b.png", "photo/b_mask.png", "instances", "train"),
    ("photo/c.png", "photo/c_mask.png", "alpha", "train"),
    ("cut/d.png", "cut/d_mask.png", "foreground", "train"),
    ("back/e.png", "", "none", "train"),
    ("photo/f.png", "photo/f_mask.png", "binary", "val"),
]


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed, (image, mask, kind, _) in enumerate(ROWS):
        (folder / image).parent.mkdir(exist_ok=True)
        values = disc(120, 160, 60 + 8 * seed, 60, 35)
        cv2.imwrite(str(folder / image), scene(values, seed))
        if kind == "instances":
            values = (values > 0).astype(np.uint8) + 2 * (disc(120, 160, 140, 100, 15) > 0)
            values[:5] = 255
        if mask:
            cv2.imwrite(str(folder / mask), values)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "mask", "kind", "split"])
        writer.writerows(ROWS)
    return folder


@pytest.fixture(scope="session")
def benchmark_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two images, three masks (one image has a and b), with a band of void."""
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    for image, masks in (("one", ["one"]), ("two", ["twoa", "twob"])):
        for k, mask in enumerate(masks):
            values = disc(60, 80, 30 + 15 * k, 30, 18)
            cv2.imwrite(str(folder / "images" / f"{image}.png"), scene(values, k))
            values[(disc(60, 80, 30 + 15 * k, 30, 20) > 0) & (values == 0)] = 128
            cv2.imwrite(str(folder / "masks" / f"{mask}.png"), values)
    return folder


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return write_snapshot(tmp_path / "snapshot")

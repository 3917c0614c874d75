"""A folder where the commands of the documentation run: what they name is there, tiny."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import requests
import torch
from PIL import Image
from scipy.io import savemat
from sqlalchemy import func, select
from typer.testing import CliRunner

from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import LessonRow
from click99.cli import app
from click99.demo.programs import free_port
from click99.labelstudio import brush
from click99.segmentation.checkpoint import save_checkpoint
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.presets import COMPACT
from click99_training.datasets.registry import open_dataset
from click99_training.learning.robot_annotator import RobotAnnotator
from click99_training.report.inputs import REGIMES, VARIANTS
from tests.segmentation.released_layout import draw, released_shapes, resnet_shapes
from tests.waiting import until

SIDE = 64
SMALL_COMPACT = replace(COMPACT, view="whole")
SMALL_RUN = ["--images", "2", "--crops", "64:1:1", "--threads", "1"]
MASK_OF_AN_EXPORT = "task-3-annotation-9-by-ann@example.com-brush-cell-0.png"

Picture = tuple[np.ndarray, np.ndarray]  # an image uint8 BGR [SIDE, SIDE, 3], and its mask, 0/255


def run(words: list[str]) -> None:
    """`click99` with these arguments, in this process."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, words)
    assert result.exit_code == 0, f"click99 {' '.join(words)}\n{result.output}"


@contextmanager
def served(*options: str) -> Iterator[str]:
    """`click99 serve`, up to its first answer -> its address."""
    port = free_port(0)
    command = [sys.executable, "-m", "click99.cli", "serve", *options, "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 200
        while not answers(address):
            assert process.poll() is None, f"{' '.join(command)} ended"
            assert time.monotonic() < deadline, f"{' '.join(command)} did not start within 200 s"
            time.sleep(0.2)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/health", timeout=5).json()["status"] == "UP"
    except requests.ConnectionError:
        return False


def small_network(path: Path) -> Path:
    """A checkpoint of random weights that looks at small pictures as they are, which is fast."""
    torch.manual_seed(0)
    save_checkpoint(TwoStreamNetwork(SMALL_COMPACT), path)
    return path


def annotate(data: Path, home: Path, count: int) -> None:
    """Let a robot save so many masks, as a person in Label Studio does: the record in `home`, with what it
    remembers of them."""
    with served("--home", str(home), "--threads", "1") as address:
        for task, sample in enumerate(itertools.islice(open_dataset("folder", data, "train"), count), 1):
            RobotAnnotator(address).annotate(task, sample)
        until(lambda: lessons(home) == count)


def lessons(home: Path) -> int:
    """How many masks were learnt from."""
    with closing(Database(sqlite_url(home))) as database, database.reading() as session:
        return session.scalar(select(func.count()).select_from(LessonRow)) or 0


def fill(folder: Path) -> None:
    """Every data set, weights file, run and export that a page names."""
    masks_and_images(folder / "DATA", 4)
    rows = [f"images/{k:02d}.png,masks/{k:02d}.png,binary,{'train' if k % 4 else 'val'}" for k in range(4)]
    (folder / "DATA" / "manifest.csv").write_text("\n".join(["file,mask,kind,split", *rows]))
    for name in ("GRABCUT", "BERKELEY", "PHOTOS", "tests/pictures"):
        masks_and_images(folder / name, 1)
    masks_and_images(folder / "DAVIS", 1, "img", "gt")
    masks_and_images(folder, 2, "photos", "photos-masks")
    (folder / "boxes.csv").write_text("file,label,x,y\n00.png,object,32,32\n01.png,object,30,30\n")
    Image.new("RGB", (480, 400)).save(folder / "cup.jpg")
    sbd(folder / "SBD" / "benchmark_RELEASE" / "dataset")
    synthetic(folder / "SYNTH")
    exports(folder)
    torch.save(draw(resnet_shapes(3)), folder / "R-50-GN-WS.pth.tar")
    torch.save(draw(released_shapes()), folder / "InterSegSynthFT.pth")


def fill_with_results(folder: Path) -> None:
    """A training run, and what a report takes; the current folder is `folder`, filled."""
    run(["train", "--data", "DATA", "--out", "runs/mine", *SMALL_RUN])
    run(["evaluate", "--dataset", "grabcut", "--data", "GRABCUT", "--json", "some.json", "--threads", "1"])
    for kind, names in (("ablation", VARIANTS), ("regimes", REGIMES)):
        (folder / kind).mkdir()
        for name in names:
            shutil.copy(folder / "some.json", folder / kind / f"{name}.grabcut.json")
    sheet = ("--preview", "composites.png", "--count", "1")
    run(["compose", "--dataset", "synthetic", "--data", "SYNTH", *sheet])


def pictures() -> Iterator[Picture]:
    """Of a disc on noise, without end."""
    rows, columns = np.ogrid[:SIDE, :SIDE]
    for seed in itertools.count():
        mask = (np.hypot(rows - 32, columns - 32) < 14 + seed % 8).astype(np.uint8) * 255
        image = np.random.default_rng(seed).integers(0, 90, (SIDE, SIDE, 3)).astype(np.uint8)
        image[mask > 0] += np.array([20, 160, 40], np.uint8)
        yield image, mask


def masks_and_images(folder: Path, count: int, images: str = "images", masks: str = "masks") -> None:
    for name in (images, masks):
        (folder / name).mkdir(parents=True)
    for k, (image, mask) in enumerate(itertools.islice(pictures(), count)):
        cv2.imwrite(str(folder / images / f"{k:02d}.png"), image)
        cv2.imwrite(str(folder / masks / f"{k:02d}.png"), mask)


def sbd(folder: Path) -> None:
    for name in ("img", "inst"):
        (folder / name).mkdir(parents=True)
    for image, mask in itertools.islice(pictures(), 1):
        cv2.imwrite(str(folder / "img" / "2008_000002.jpg"), image)
        content = {"Segmentation": (mask > 0).astype(np.uint8), "Categories": np.array([[20]])}
        savemat(folder / "inst" / "2008_000002.mat", {"GTinst": content})
    for split in ("train", "val"):
        (folder / f"{split}.txt").write_text("2008_000002\n")


def synthetic(folder: Path) -> None:
    for name in ("foregrounds", "backgrounds"):
        (folder / name).mkdir(parents=True)
    for image, mask in itertools.islice(pictures(), 1):
        cv2.imwrite(str(folder / "foregrounds" / "cup.png"), np.dstack([image, mask]))
        cv2.imwrite(str(folder / "backgrounds" / "street.jpg"), image)


def exports(folder: Path) -> None:
    """Label Studio's JSON and its zip of brush masks, of one annotation each."""
    _, mask = next(pictures())
    item = {"id": "a", "type": "brushlabels", "original_width": SIDE, "original_height": SIDE}
    item |= {"from_name": "brush", "to_name": "image"}
    item["value"] = {"format": "rle", "rle": brush.encode(mask), "brushlabels": ["cell"]}
    moment = "2026-01-01T12:00:00Z"
    annotation = {"id": 9, "task": 3, "created_at": moment, "updated_at": moment, "result": [item]}
    task = {"id": 3, "project": 3, "data": {"image": "/data/upload/a.png"}, "annotations": [annotation]}
    (folder / "project-3-at-2026-01-01.json").write_text(json.dumps([task]))
    png = BytesIO()
    Image.fromarray(mask).save(png, "PNG")
    with zipfile.ZipFile(folder / "masks.zip", "w") as archive:
        archive.writestr(MASK_OF_AN_EXPORT, png.getvalue())

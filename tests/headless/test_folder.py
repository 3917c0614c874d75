"""`click99 segment`: a folder's pictures and a file of prompts, and all that may be wrong with them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from click99.cli import app
from click99.export import forms
from click99.export.pictures import Picture
from click99.python import Model, Object
from tests.disc_painter import DiscPainter
from tests.waiting import until

PICTURES = Path(__file__).parents[1] / "pictures" / "images"
HEAD = "file,label,left,top,right,bottom,x,y\n"


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pictures, one of them in a folder of its own."""
    monkeypatch.setattr("click99.python.load", lambda checkpoint, device: Model(DiscPainter()))
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name in ("one.png", "more/two cups.png"):
        Image.new("RGB", (64, 48)).save(folder / name)
    return folder


def invoke(images: Path, lines: str, *arguments: str) -> tuple[int, str]:
    prompts = images.parent / "boxes.csv"
    prompts.write_text(HEAD + lines)
    out = str(images.parent / "out")
    asked = ["segment", str(images), "--prompts", str(prompts), "--out", out, *arguments]
    result = CliRunner(env={"COLUMNS": "300"}).invoke(app, asked)
    return result.exit_code, result.output


def test_boxes_and_points_become_masks(images: Path):
    code, told = invoke(
        images, "one.png,cup,10,8,30,28,,\none.png,spoon,,,,,50,40\ntwo cups.png,cup,,,,,20,20\n"
    )
    assert code == 0, told
    assert "2 pictures in" in told
    assert "2 cup, 1 spoon. 0 left out." in told
    out = images.parent / "out"
    classes = np.asarray(Image.open(out / "classes" / "one.png"))
    assert json.loads((out / "labels.json").read_text()) == {"1": "cup", "2": "spoon"}
    assert (classes[18, 20], classes[40, 50], classes[5, 60]) == (1, 2, 0)
    assert np.asarray(Image.open(out / "classes" / "two_cups.png"))[20, 20] == 1


def test_a_picture_too_large_for_the_memory_is_left_out(images: Path, monkeypatch: pytest.MonkeyPatch):
    def start(self: Model, pixels: np.ndarray) -> Object:
        if pixels.shape[0] == 48:
            raise MemoryError("Unable to allocate 596 MiB")
        return whole(self, pixels)

    whole = Model.start
    monkeypatch.setattr(Model, "start", start)
    Image.new("RGB", (64, 40)).save(images / "small.png")
    code, told = invoke(images, "one.png,cup,10,8,30,28,,\nsmall.png,cup,10,8,30,28,,\n")
    assert code == 1, told
    assert "one.png: image: it needs more memory than is free (Unable to allocate 596 MiB). Give" in told
    assert "1 cup. 1 left out." in told


def test_any_form_of_an_export(images: Path):
    code, told = invoke(images, "one.png,cup,10,8,30,28,,\n", "--format", "coco")
    assert code == 0, told
    (annotation,) = json.loads((images.parent / "out" / "annotations.json").read_text())["annotations"]
    assert annotation["area"] > 100


@pytest.mark.parametrize("form", ["masks", "coco"])
def test_soft_masks_lie_beside_any_form(images: Path, steps: list, form: str):
    lines = "one.png,spoon,,,,,50,40\none.png,cup,10,8,30,28,,\n"
    code, told = invoke(images, lines, "--alpha", "--format", form)
    assert code == 0, told
    first, second = (np.asarray(Image.open(images.parent / f"out/alphas/one_{k}.png")) for k in (0, 1))
    assert (first.shape, first.dtype) == ((48, 64), np.uint8)
    assert (first[40, 50], second[40, 50]) == (255, 0), "the larger one first"
    assert second[18, 20] == 255
    assert not (images.parent / "out/alphas/one_2.png").exists()


def test_soft_masks_are_kept_when_a_run_stops(images: Path, steps: list, monkeypatch: pytest.MonkeyPatch):
    assert invoke(images, TWO)[0] == LEFT_OUT
    assert not (images.parent / "out/alphas").exists()
    (images.parent / "out").rename(images.parent / "without")
    Stop(monkeypatch, ValueError("stopped"))
    assert invoke(images, TWO, "--alpha")[0] == 2
    before = len(steps)
    code, told = invoke(images, TWO, "--alpha")
    assert (code, len(steps)) == (LEFT_OUT, before), told
    assert "Going on: masks of 2 pictures" in told
    assert len([*(images.parent / "out/alphas").iterdir()]) == 3


def test_what_has_no_mask_is_named_and_the_rest_is_made(images: Path):
    (images / "broken.png").write_text("no picture")
    lines = "gone.png,cup,,,,,1,1\nbroken.png,cup,,,,,1,1\none.png,cup,,,,,900,1\none.png,cup,,,,,20,20\n"
    code, told = invoke(images, lines)
    assert code == 1, told
    assert "gone.png: no such picture in the folder" in told
    assert "broken.png is no readable image" in told
    assert "one.png, cup: " in told
    assert "1 cup. 3 left out." in told


def test_nothing_is_written_where_nothing_was_made(images: Path):
    code, told = invoke(images, "gone.png,cup,,,,,1,1\n")
    assert code == 2
    assert "no mask to export. gone.png: no such picture" in told
    assert not (images.parent / "out").exists()


def test_a_folder_without_pictures_is_named(images: Path):
    for file in images.rglob("*.png"):
        file.unlink()
    code, told = invoke(images, "one.png,cup,,,,,1,1\n")
    assert code == 2
    assert "photos: no files, and no pictures there. Name a folder with " in told


def test_two_pictures_of_one_name_are_refused(images: Path):
    Image.new("RGB", (64, 48)).save(images / "more" / "one.png")
    code, told = invoke(images, "one.png,cup,,,,,1,1\n")
    assert code == 2
    assert "have one name" in told


@pytest.fixture
def steps(images: Path, monkeypatch: pytest.MonkeyPatch) -> list:
    """The clicks of every step that any run's network computes."""
    painter = DiscPainter()
    monkeypatch.setattr("click99.python.load", lambda checkpoint, device: Model(painter))
    return painter.steps


class Stop:
    """Ends a run before its second picture is written, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: BaseException):
        self.error, self.write = error, forms.classes
        monkeypatch.setattr(forms, "classes", self)

    def __call__(self, picture: Picture, labels: list[str]) -> np.ndarray:
        if picture.name == "two_cups" and self.error:
            error, self.error = self.error, None
            raise error
        return self.write(picture, labels)


LEFT_OUT = 1  # the exit code where a line makes no mask, as the fork's below
TWO = (
    "one.png,cup,10,8,30,28,,\none.png,spoon,,,,,50,40\none.png,fork,,,,,900,1\ntwo cups.png,cup,,,,,20,20\n"
)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (KeyboardInterrupt(), 1, "the same command goes on"),
        (OSError(28, "No space left on device"), 2, "No space"),
    ],
)
def test_a_run_that_was_stopped_goes_on(
    images: Path, steps: list, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, says: str
):
    Stop(monkeypatch, error)
    stopped, told = invoke(images, TWO)
    assert (stopped, says in told) == (code, True), told
    ran = len(steps)
    assert not (images.parent / "out").exists()
    done, told = invoke(images, TWO)
    assert done == 1, told
    assert "Going on: masks of 2 pictures are there already." in told
    assert len(steps) == ran, "every mask was there"
    assert "one.png, fork: 900, 1 lies outside of the picture, which is 64" in told
    assert "2 cup, 1 spoon. 1 left out." in told
    assert sorted(each.name for each in images.parent.iterdir()) == ["boxes.csv", "out", "photos"]


def test_what_is_kept_in_half_or_of_something_else_does_not_count(
    images: Path, steps: list, monkeypatch: pytest.MonkeyPatch
):
    Stop(monkeypatch, KeyboardInterrupt())
    invoke(images, TWO)
    first, second = sorted((images.parent / ".out.masks").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    first.write_bytes(first.read_bytes()[:-20])
    ran = len(steps)
    Image.new("RGB", (64, 48), "red").save(images / "more" / "two cups.png")
    code, told = invoke(images, TWO)
    assert code == 1, told
    assert len(steps) == 2 * ran, "both again: one is broken, the other's picture is another"
    assert not second.exists()


@pytest.mark.slow("starts the command")
def test_ctrl_c_of_the_real_command_loses_no_picture(tmp_path: Path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for k, file in enumerate([*PICTURES.iterdir()] * 4):  # enough for the signal to come in time
        shutil.copy(file, photos / f"{k}-{file.name}")
    pictures = sorted(photos.iterdir())
    lines = "".join(f"{file.name},thing,,,,,150,90\n" for file in pictures)
    (tmp_path / "points.csv").write_text("file,label,left,top,right,bottom,x,y\n" + lines)
    prompts = str(tmp_path / "points.csv")
    asked = ["segment", str(photos), "--prompts", prompts, "--format", "coco", "--out"]
    kept = tmp_path / ".out.masks"
    command = [sys.executable, "-m", "click99.cli", *asked, str(tmp_path / "out")]
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
    try:
        run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, heard)
    with run:
        until(lambda: any(kept.glob("*.json")), 150)
        run.send_signal(signal.SIGINT)
        _, told = run.communicate(timeout=60)
    assert run.returncode == 1, told
    assert "Stopped: the same command goes on." in told
    there = len([*kept.glob("*.json")])
    assert 0 < there < len(pictures)
    assert not (tmp_path / "out").exists()
    result = CliRunner().invoke(app, [*asked, str(tmp_path / "out")])
    assert f"Going on: masks of {there} pictures" in result.output
    CliRunner().invoke(app, [*asked, str(tmp_path / "whole")])
    resumed, whole = (tmp_path / name / "annotations.json" for name in ("out", "whole"))
    assert resumed.read_bytes() == whole.read_bytes()

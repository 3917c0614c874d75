"""`click99 segment`: a folder's pictures and a file of prompts, and all that may be wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from click99.cli import app
from click99.python import Model
from tests.disc_painter import DiscPainter

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


def test_any_form_of_an_export(images: Path):
    code, told = invoke(images, "one.png,cup,10,8,30,28,,\n", "--format", "coco")
    assert code == 0, told
    (annotation,) = json.loads((images.parent / "out" / "annotations.json").read_text())["annotations"]
    assert annotation["area"] > 100


def test_what_has_no_mask_is_named_and_the_rest_is_made(images: Path):
    (images / "broken.png").write_text("no picture")
    lines = "gone.png,cup,,,,,1,1\nbroken.png,cup,,,,,1,1\none.png,cup,,,,,900,1\none.png,cup,,,,,20,20\n"
    code, told = invoke(images, lines)
    assert code == 0, told
    assert "gone.png: no such picture in the folder" in told
    assert "broken.png is no readable image" in told
    assert "one.png, cup: " in told
    assert "1 cup. 3 left out." in told


def test_nothing_is_written_where_nothing_was_made(images: Path):
    code, told = invoke(images, "gone.png,cup,,,,,1,1\n")
    assert code == 2
    assert "no mask to export. gone.png: no such picture" in told
    assert not (images.parent / "out").exists()


def test_two_pictures_of_one_name_are_refused(images: Path):
    Image.new("RGB", (64, 48)).save(images / "more" / "one.png")
    code, told = invoke(images, "one.png,cup,,,,,1,1\n")
    assert code == 2
    assert "have one name" in told

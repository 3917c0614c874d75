"""`click99 cutout`: from clicks on the command line to PNGs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from click99.cli import app
from click99.headless.cutout import cut_out, parse_box, parse_clicks
from click99.python import Model
from click99.segmentation.clicks import Click
from tests.disc_painter import DiscPainter

IMAGE = np.full((48, 64, 3), (10, 200, 30), np.uint8)


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("click99.python.load", lambda checkpoint, device: Model(DiscPainter()))
    Image.fromarray(IMAGE).save(file := tmp_path / "cup.png")
    return file


def invoke(picture: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["cutout", str(picture), *arguments])
    return result.exit_code, result.output


def test_clicks_and_boxes_as_text():
    assert parse_clicks(" 4,5  -0,7") == [Click(4, 5, True), Click(0, 7, False)]
    assert parse_box("1, 2,3,4") == (1, 2, 3, 4)


@pytest.mark.parametrize("text", ["4", "4;5", "4,5,6", "x,y", "--4,5", "4,-5", "1.5,2"])
def test_what_is_no_click_is_named(text: str):
    with pytest.raises(ValueError, match="is no click"):
        parse_clicks(f"1,2 {text}")


def test_a_cut_out_is_the_picture_with_the_matte():
    made = cut_out(Model(DiscPainter()), IMAGE, parse_clicks("30,20"), None, 0.002)
    assert made.rgba.shape == (48, 64, 4)
    assert (made.rgba[..., :3] == IMAGE).all()
    assert (made.rgba[20, 30, 3], made.rgba[0, 0, 3]) == (255, 0)


def test_clicks_correct_a_box_s_mask():
    boxed = cut_out(Model(DiscPainter()), IMAGE, [], (10, 8, 30, 28), 0.0)
    assert not boxed.mask[40, 50]
    corrected = cut_out(Model(DiscPainter()), IMAGE, parse_clicks("50,40"), (10, 8, 30, 28), 0.0)
    assert corrected.mask[40, 50] == boxed.mask[18, 20] == 255


def test_the_command_writes_a_png_beside_the_picture(picture: Path):
    code, told = invoke(picture, "--clicks", "30,20 -38,20")
    assert code == 0, told
    out = picture.with_name("cup-cutout.png")
    alpha = np.asarray(Image.open(out))[..., 3]
    assert (alpha[20, 25], alpha[20, 38]) == (255, 0), "though the first disc has faded"
    assert told == f"{out}: {(alpha > 127).sum()} pixels; expected IoU 0.97\n"
    assert len(list(picture.parent.iterdir())) == 2


def test_mask_and_matte_come_beside_it(picture: Path):
    out = picture.with_name("out.png")
    invoke(picture, "--box", "10,8,30,28", "--alpha", "--out", str(out))
    rgba, mask, alpha = (
        np.asarray(Image.open(out.with_name(f"out{n}.png"))) for n in ("", "-mask", "-alpha")
    )
    assert np.array_equal(rgba[..., 3], alpha)
    assert np.array_equal(mask, (alpha > 127) * np.uint8(255))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "what is the object?"),
        (["--clicks", "-3,4 -5,6"], "which of these clicks is on the object?"),
        (["--clicks", "1,1", "--out", "cup.jpg"], "--out cup.jpg: a cut-out is a PNG. Name it cup.png"),
        (["--clicks", "1,1", "--out", "cup"], "--out cup: a cut-out is a PNG. Name it cup.png"),
        (["--clicks", "1,1", "--out", "PICTURE"], "cup.png: that is the picture itself. Name another file"),
        (["--clicks", "9,9 -9,9"], "the mask is empty"),
        (["--clicks", "64,0"], "(64, 0) is outside of the image, which is 64 × 48"),
        (["--clicks", "1,1", "--box", "9,9,9,20"], "is no box inside the image"),
        (["--box", "9,9"], "'9,9' is no box"),
    ],
)
def test_a_wrong_question_is_one_sentence(picture: Path, arguments: list[str], said: str):
    code, told = invoke(picture, *(each.replace("PICTURE", str(picture)) for each in arguments))
    assert code == 2
    assert said in told
    assert list(picture.parent.iterdir()) == [picture]


def test_a_file_that_is_no_picture_is_named(picture: Path):
    picture.write_text("no picture")
    code, told = invoke(picture, "--clicks", "1,1")
    assert code == 2
    assert "cup.png is no readable image" in told

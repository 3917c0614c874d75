"""click99 from Python, without a server."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import click99
from click99.labelstudio.errors import ImageUnreadableError
from click99.python import Model, Object, load
from click99.segmentation.checkpoint import CheckpointError, shipped
from click99.segmentation.clicks import Click
from click99.segmentation.network import TwoStreamNetwork
from click99.segmentation.predictor import Predictor
from click99.segmentation.presets import COMPACT
from click99.segmentation.prior import Prior
from click99.segmentation.views import WholeView
from tests.disc_painter import DiscPainter

IMAGE = np.zeros((48, 64, 3), np.uint8)
PAGE = Path(__file__).parents[1] / "docs/how-to/python.md"
COFFEE = Path(__file__).parent / "pictures/images/coffee.jpg"


@pytest.fixture
def painter() -> DiscPainter:
    return DiscPainter()


@pytest.fixture
def begun(painter: DiscPainter) -> Object:
    return Model(painter).start(IMAGE)


def test_clicks_refine_the_mask(begun: Object):
    assert not begun.mask.any()
    assert begun.click(20, 20)[20, 20]
    assert not begun.click(22, 20, positive=False)[20, 22]
    assert np.array_equal(begun.mask, begun.alpha > 0.5)


def test_undo_goes_back_bit_for_bit(begun: Object):
    first = begun.click(20, 20)
    alpha = begun.alpha
    begun.click(40, 30)
    assert np.array_equal(begun.undo(), first)
    assert np.array_equal(begun.alpha, alpha)
    for _ in range(3):
        assert not begun.undo().any()


def test_quality_is_of_the_newest_mask(begun: Object):
    assert begun.quality == 0
    begun.click(20, 20)
    assert begun.quality == begun.alpha.max() == 1
    assert begun.box(10, 8, 30, 28).any()
    assert begun.quality is not None
    assert begun.quality > 0.9
    for _ in range(2):
        begun.undo()
    assert begun.quality == 0


def test_a_checkpoint_without_a_quality_head_tells_none():
    network = TwoStreamNetwork(replace(COMPACT, quality=False))
    begun = Model(Predictor(network, "no head", view=WholeView())).start(IMAGE)
    begun.click(20, 20)
    assert begun.quality is None


def test_a_box_begins_anew_and_clicks_refine_it(begun: Object, painter: DiscPainter):
    begun.click(50, 40)
    boxed = begun.box(10, 8, 30, 28)
    rows, columns = np.nonzero(boxed)
    assert (rows.min(), columns.min()) >= (8, 10)
    assert (rows.max(), columns.max()) < (28, 30)
    begun.click(40, 20)
    assert painter.steps[-1] == (Click(19, 17, True), Click(40, 20, True)), "the box's middle, then the click"
    begun.click(20, 17, positive=False)
    assert [click.x for click in painter.steps[-1]] == [40, 20], "its middle is not meant"


def test_a_lasso_begins_anew_and_clicks_refine_it(begun: Object, painter: DiscPainter):
    begun.click(50, 40)
    triangle = [(10, 8), (30, 8), (10, 28)]
    enclosed = begun.lasso(triangle)
    assert enclosed[12, 14]
    assert not enclosed[26, 28], "in its box, and not within the line"
    begun.click(40, 20)
    assert painter.steps[-1] == (Click(16, 14, True), Click(40, 20, True)), (
        "where it is deepest, then the click"
    )
    begun.undo()
    assert np.array_equal(begun.mask, enclosed)


@pytest.mark.parametrize(
    "points", [[(10, 10), (20, 20)], [(10, 10), (64, 10), (20, 20)], [(-1, 0), (5, 5), (9, 0)]]
)
def test_a_lasso_that_is_none_is_refused(begun: Object, points: list[tuple[int, int]]):
    with pytest.raises(ValueError, match=r"is no lasso|is outside of the image"):
        begun.lasso(points)


@pytest.mark.parametrize(
    ("prompt", "places"),
    [("click", (20.5, 20)), ("box", (10, 8.25, 30, 28)), ("lasso", ([(10, 8), (30, 8.5), (10, 28)],))],
)
def test_what_lies_between_pixels_is_refused(begun: Object, prompt: str, places: tuple):
    with pytest.raises(ValueError, match="lies between two pixels: give whole numbers"):
        getattr(begun, prompt)(*places)
    assert not begun.mask.any()


def test_whole_numbers_of_any_kind_are_places(begun: Object):
    assert begun.click(np.int64(20), np.float64(20))[20, 20]  # pyright: ignore[reportArgumentType]


def test_a_soft_mask_is_not_to_be_written_to(begun: Object):
    begun.click(20, 20)
    with pytest.raises(ValueError, match="read-only"):
        begun.alpha[:] = 0
    assert begun.mask[20, 20]


@pytest.mark.parametrize("like", [(0,), (300, -3)])
def test_what_is_like_it_has_pixels(painter: DiscPainter, like: tuple[int, ...]):
    with pytest.raises(ValueError, match="are no objects' pixels"):
        Model(painter).start(IMAGE, like=like)


def test_what_is_like_it_is_told(painter: DiscPainter):
    Model(painter).start(IMAGE, like=(300, 200)).click(20, 20)
    assert painter.priors == [Prior((300, 200))]


@pytest.mark.parametrize("place", [(64, 10), (-1, 10), (10, 48)])
def test_a_click_outside_is_refused(begun: Object, place: tuple[int, int]):
    with pytest.raises(ValueError, match="outside of the image, which is 64 × 48"):
        begun.click(*place)


@pytest.mark.parametrize("box", [(10, 10, 10, 20), (30, 10, 20, 20), (-1, 0, 9, 9), (0, 0, 65, 9)])
def test_a_box_that_is_none_is_refused(begun: Object, box: tuple[int, int, int, int]):
    with pytest.raises(ValueError, match="is no box inside the image"):
        begun.box(*box)


@pytest.mark.parametrize("image", [IMAGE[..., 0], IMAGE.astype(float), np.zeros((0, 9, 3), np.uint8)])
def test_an_image_of_another_kind_is_refused(painter: DiscPainter, image: np.ndarray):
    with pytest.raises(ValueError, match=r"uint8 RGB \[H, W, 3\] is needed, not"):
        Model(painter).start(image)


def test_what_is_no_image_is_refused(painter: DiscPainter):
    with pytest.raises(ValueError, match=r"image: a path, or an array uint8 RGB .* is needed, not list"):
        Model(painter).start([[0]])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_the_picture_there(painter: DiscPainter, kind: type[str] | type[Path]):
    with Image.open(COFFEE) as picture:
        width, height = picture.size
    assert Model(painter).start(kind(COFFEE)).click(20, 20).shape == (height, width)


def test_a_path_without_a_picture_is_refused(painter: DiscPainter):
    with pytest.raises(FileNotFoundError, match=r"none\.jpg"):
        Model(painter).start("none.jpg")
    with pytest.raises(ImageUnreadableError, match=r"test_python\.py is no readable image"):
        Model(painter).start(__file__)


@pytest.mark.parametrize("device", ["foo", "cuda:99"])
def test_a_device_that_is_not_there_is_named(device: str):
    with pytest.raises(ValueError, match=f"device '{device}': .*Take auto, cpu"):
        load(device=device)


def test_a_checkpoint_s_path_may_be_a_string():
    assert load(str(shipped())).version == load().version
    for name in ("none.safetensors", ""):
        with pytest.raises(CheckpointError, match=r"does not exist: give the path of a \.safetensors file"):
            load(name)


def test_it_is_imported_from_the_top_when_it_is_asked_for():
    heavy = "[name for name in ('numpy', 'torch', 'click99.python') if name in sys.modules]"
    code = f"import sys, click99; assert not {heavy}, {heavy}; from click99 import load; assert {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert click99.load is load
    with pytest.raises(AttributeError, match="module 'click99' has no attribute 'laod'"):
        _ = click99.laod


@pytest.mark.slow("clicks with the network that ships")
def test_the_page_s_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Image.open(COFFEE).save("picture.jpg")
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(example, PAGE.name, "exec"), {})
    share = np.asarray(Image.open("mask.png")).mean()
    assert 0.05 < share < 0.5

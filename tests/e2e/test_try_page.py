"""The page at `/` in a browser, over the shipped network: clicks, box, lasso, undo, keys, fingers, files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from tests.e2e.browser import ANSWER
from tests.e2e.try_page import CONTRAST, HEIGHT, WIDTH, TryPage
from tests.server.command import serving
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CUP = (0.55, 0.42)  # of the coffee's picture
TABLE = (0.1, 0.9)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("try-page")) as address:
        yield address


def is_ours(told: ConsoleMessage) -> bool:
    """An error, and not the browser's own note that a request was refused."""
    return told.type == "error" and not told.text.startswith("Failed to load resource")


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(ANSWER)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if is_ours(told) else None)
    page.goto(address)
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def page(opened: Page) -> TryPage:
    page = TryPage(opened)
    page.sample()
    return page


def covers(mask: np.ndarray, place: tuple[float, float]) -> bool:
    height, width = mask.shape
    return bool(mask[int(place[1] * height), int(place[0] * width)])


def test_clicks_boxes_undo_and_files(page: TryPage, screenshots: Path):
    page.click(CUP, 1)
    page.close_up(screenshots, "light")
    first = page.mask()
    assert first.shape == (HEIGHT, WIDTH)
    assert covers(first, CUP)
    assert not covers(first, TABLE)
    page.click(TABLE, 2, button="right")
    page.page.keyboard.press("z")
    page.says("^1 prompt,")
    assert (page.mask() == first).all(), "undo"
    page.page.keyboard.press("y")
    page.says("^2 prompts,")
    page.page.keyboard.press("n")
    page.page.mouse.move(*page.at((0.3, 0.3)))
    page.page.mouse.down()
    page.page.mouse.move(*page.at((0.8, 0.95)), steps=5)
    page.page.mouse.up()
    page.says("^1 prompt,")
    boxed = page.mask()
    assert boxed.any()
    assert not covers(boxed, TABLE)
    dataset = json.loads(page.downloaded("coco"))
    assert [each["id"] for each in dataset["annotations"]] == [1, 2]
    annotation = dataset["annotations"][1]
    read = coco.decode(coco.frPyObjects(annotation["segmentation"], HEIGHT, WIDTH))
    assert (read.astype(bool) == boxed).all()
    assert annotation["area"] == boxed.sum()
    cut = np.asarray(Image.open(io.BytesIO(page.downloaded("cutout"))))
    assert ((cut[..., 3] > 127) == boxed).all()
    for look in ("outline", "cutout"):
        page.page.keyboard.press("v")
        page.close_up(screenshots, look)


def test_a_lasso(page: TryPage, screenshots: Path):
    page.page.locator("#lasso").click()
    page.page.mouse.move(*page.at((0.28, 0.1)))
    page.page.mouse.down()
    for corner in ((0.6, 0.02), (0.75, 0.3), (0.55, 0.75), (0.3, 0.75), (0.25, 0.3)):
        page.page.mouse.move(*page.at(corner), steps=4)
    page.close_up(screenshots, "lasso-drawn")
    page.page.mouse.up()
    page.says("^1 prompt,")
    page.close_up(screenshots, "lasso")
    enclosed = page.mask()
    assert covers(enclosed, CUP)
    assert not covers(enclosed, TABLE)
    page.click(CUP, 2)
    page.page.keyboard.press("z")
    page.says("^1 prompt,")
    assert (page.mask() == enclosed).all(), "undo"


def test_without_a_mouse(page: TryPage):
    page.page.locator("#view").focus()
    page.page.keyboard.press("ArrowRight")  # from the middle
    page.page.keyboard.press("Enter")
    page.says("^1 prompt,")
    assert covers(page.mask(), (0.51, 0.5))
    page.page.locator("#view").focus()
    for _ in range(20):
        page.page.keyboard.press("Shift+ArrowLeft")
    page.page.keyboard.press("Alt+Enter")
    page.says("^2 prompts,")
    assert not covers(page.mask(), (0, 0.5))


def go(page: TryPage, here: tuple[float, float], there: tuple[float, float]) -> None:
    """Move the cross by keys, 60 CSS pixels at a time; places as `TryPage.at` has them."""
    (x, y), (to_x, to_y) = page.at(here), page.at(there)
    for way, keys in ((to_x - x, ("ArrowLeft", "ArrowRight")), (to_y - y, ("ArrowUp", "ArrowDown"))):
        for _ in range(round(abs(way) / 60)):
            page.page.keyboard.press(f"Shift+{keys[way > 0]}")


@pytest.mark.parametrize("tool", ["box", "lasso"])
def test_a_box_and_a_lasso_without_a_mouse(page: TryPage, tool: str):
    page.page.locator("#view").focus()
    page.page.keyboard.press(tool[0])
    corners = [(0.25, 0.02), (0.78, 0.02), (0.78, 0.8), (0.25, 0.8)]
    here = (0.5, 0.5)
    for corner in corners[::2] if tool == "box" else corners:
        go(page, here, corner)
        page.page.keyboard.press("Enter")
        here = corner
    if tool == "lasso":
        page.page.keyboard.press("Enter")
    page.says("^1 prompt,")
    assert covers(page.mask(), CUP)
    assert not covers(page.mask(), TABLE)


def test_escape_drops_what_keys_have_drawn(page: TryPage):
    page.page.locator("#view").focus()
    for key in ("b", "ArrowLeft", "Enter", "Shift+ArrowRight", "Escape", "b", "Enter"):
        page.page.keyboard.press(key)
    page.says("^1 prompt,")
    assert page.page.locator("#positive").get_attribute("aria-pressed") == "true"


def test_zoomed_and_moved_a_click_is_where_it_is_seen(page: TryPage):
    page.zoom(CUP, -400)
    page.page.mouse.down(button="middle")
    x, y = page.at(CUP)
    page.page.mouse.move(x + 60, y + 40)
    page.page.mouse.up(button="middle")
    page.page.mouse.click(x + 60, y + 40)
    page.says("^1 prompt,")
    assert covers(page.mask(), CUP)


def test_a_file_a_forgotten_picture_and_a_server_gone(page: TryPage, tmp_path: Path):
    tiff = tmp_path / "grey.tif"
    ramp = np.linspace(0, 60000, 200 * 100).reshape(100, 200).astype(np.uint16)
    Image.fromarray(ramp).save(tiff)
    page.open(tiff)
    page.size = (200, 100)
    page.click((0.5, 0.9), 1)
    page.page.route("**/try/masks", lambda route: route.abort())
    page.page.mouse.click(*page.at((0.2, 0.2)))
    page.says("click99 does not answer")
    page.page.unroute("**/try/masks")
    forgotten = iter([True])
    page.page.route(
        "**/try/masks",
        lambda route: (
            route.fulfill(status=404, json={"detail": "?"}) if next(forgotten, False) else route.continue_()
        ),
    )
    page.click((0.3, 0.3), 3)


def test_a_large_picture_is_shown_as_a_copy_and_sharp_where_it_is_looked_at(page: TryPage, tmp_path: Path):
    width, height = page.size = (4800, 3600)  # 17 megapixels
    stripes = np.zeros((height, width), np.uint8)
    stripes[:, ::2] = 255  # which a copy shows as grey
    file = tmp_path / "large.png"
    Image.fromarray(stripes).save(file, compress_level=1)
    with page.page.expect_response(lambda reply: "side=2048" in reply.url):
        page.open(file)
    assert page.page.evaluate(CONTRAST) < 60
    middle = page.at((0.5, 0.5))
    with page.page.expect_response(lambda reply: "side=" in reply.url) as reply:
        page.zoom((0.5, 0.5), -1600)
    assert int(reply.value.headers["content-length"]) < 3_000_000
    until(lambda: page.page.evaluate(CONTRAST) > 200)
    page.page.mouse.click(*middle)
    page.says("^1 prompt,")
    mask = page.mask()
    assert mask.shape == (height, width)
    assert covers(mask, (0.5, 0.5))
    assert Image.open(io.BytesIO(page.downloaded("cutout"))).size == (width, height)


def test_what_is_no_picture_is_named(page: TryPage, tmp_path: Path):
    text = tmp_path / "notes.png"
    text.write_text("no picture")
    page.page.locator("#file").set_input_files(text)
    page.says("is no readable image")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dark", {"color_scheme": "dark", "viewport": {"width": 1400, "height": 900}}),
        ("small", {"viewport": {"width": 1024, "height": 640}}),
        ("phone", {"viewport": {"width": 390, "height": 760}, "has_touch": True, "device_scale_factor": 2}),
    ],
)
def test_in_every_window(
    browser: Browser, address: str, screenshots: Path, name: str, options: dict[str, Any]
):
    context = browser.new_context(**options)
    context.set_default_timeout(ANSWER)
    page = TryPage(context.new_page())
    page.page.goto(address)
    page.sample()
    if name == "phone":
        page.page.touchscreen.tap(*page.at(CUP))
        page.says("^1 prompt,")
    else:
        page.click(CUP, 1)
    assert covers(page.mask(), CUP)
    wide = page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert wide, "nothing is cut off"
    page.close_up(screenshots, name)
    context.close()

"""The page at `/` as a test sees it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tests.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH, HEIGHT = 512, 341

# Between the canvas' pixels in its middle: of stripes 255 when they are sharp.
CONTRAST = """() => {
    const canvas = document.querySelector("#view");
    const { data } = canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 40, 1);
    const greys = [...data].filter((_, k) => k % 4 === 0);
    return Math.max(...greys) - Math.min(...greys);
}"""

# What is drawn now, as one number; a canvas that has another size is fitted in the frame after.
DRAWN = """async () => {
    for (let k = 0; k < 2; k++) await new Promise(requestAnimationFrame);
    const canvas = document.querySelector("#view");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Uint32Array(data.buffer).reduce((sum, pixel) => (31 * sum + pixel) >>> 0, 0);
}"""


class TryPage:
    """The page, and where the picture lies on it: whole, in the middle of its canvas."""

    def __init__(self, page: Page):
        self.page = page
        self.size: tuple[int, int] = (WIDTH, HEIGHT)

    def sample(self, name: str = "coffee") -> None:
        with self._opening():
            self.page.locator(f"[data-sample={name}]").click()

    def open(self, file: Path) -> None:
        with self._opening():
            self.page.locator("#file").set_input_files(file)

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """What it says of the picture before may be the same; from the question on it says that it reads."""
        with self.page.expect_response(lambda reply: reply.url.endswith("/try/pictures")):
            yield
        self.says("Click an object")
        self.page.evaluate(DRAWN)

    def zoom(self, place: tuple[float, float], wheel: float) -> None:
        """And wait until it is seen: clicks may overtake the wheel."""
        before = self.page.evaluate(DRAWN)
        self.page.mouse.move(*self.at(place))
        self.page.mouse.wheel(0, wheel)
        until(lambda: self.page.evaluate(DRAWN) != before)

    def says(self, text: str) -> None:
        self.page.locator("#said").filter(has_text=re.compile(text)).wait_for()

    def at(self, place: tuple[float, float]) -> tuple[float, float]:
        """A share of the picture -> CSS pixels of the page."""
        canvas = self.page.locator("#view").bounding_box()
        assert canvas
        width, height = self.size
        scale = min(canvas["width"] / width, canvas["height"] / height, 8)
        left = canvas["x"] + (canvas["width"] - width * scale) / 2
        top = canvas["y"] + (canvas["height"] - height * scale) / 2
        return left + place[0] * width * scale, top + place[1] * height * scale

    def click(self, place: tuple[float, float], count: int, **options: Any) -> None:
        """And wait for the answer to `count` prompts."""
        self.page.mouse.click(*self.at(place), **options)
        self.says(f"^{count} prompts?, [0-9]+ ms")

    def downloaded(self, kind: str) -> bytes:
        with self.page.expect_download() as download:
            self.page.locator(f"[data-download={kind}]").click()
        return Path(download.value.path()).read_bytes()

    def mask(self) -> np.ndarray:
        """Of the chosen object: bool [H, W]."""
        return np.asarray(Image.open(io.BytesIO(self.downloaded("mask"))).convert("L")) > 127

    def close_up(self, screenshots: Path, name: str) -> None:
        self.page.screenshot(path=screenshots / f"try-page-{name}.png")

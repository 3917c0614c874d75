"""README's first picture: the try page, clicked for real. `python -m tests.e2e.animation` makes it."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.e2e.browser import chromium
from tests.e2e.running_demo import ROOT
from tests.e2e.try_page import TryPage
from tests.server.command import serving

FILE = ROOT / "docs" / "images" / "try-page.webp"
STEPS = [  # of the coffee's picture, in shares of its sides; which button
    ((0.55, 0.42), "left"),  # the cup
    ((0.59, 0.73), "right"),  # not the spoon
    ((0.36, 0.68), "left"),  # its handle
]
SECONDS = 1.6  # a step is shown


def record(page: TryPage) -> list[Image.Image]:
    """A frame before the first click, one after each, one of the cut-out."""
    frames = [shot(page)]
    for count, (place, button) in enumerate(STEPS, 1):
        page.click(place, count, button=button)
        frames.append(shot(page))
    page.page.keyboard.press("v")
    page.page.keyboard.press("v")
    return [*frames, shot(page)]


def shot(page: TryPage) -> Image.Image:
    page.page.mouse.move(5, 5)
    return Image.open(io.BytesIO(page.page.screenshot())).convert("RGB")


def main() -> None:
    with tempfile.TemporaryDirectory() as home, serving(Path(home)) as address, chromium() as browser:
        page = TryPage(browser.new_page(viewport={"width": 960, "height": 530}))
        page.page.goto(address)
        page.sample()
        page.click(STEPS[0][0], 1)  # once before, so that the times shown are a warm server's
        page.page.keyboard.press("z")
        page.says("Click an object")
        first, *others = record(page)
    first.save(FILE, append_images=others, save_all=True, duration=round(1000 * SECONDS), loop=0, quality=80)


if __name__ == "__main__":
    main()

"""What many megapixels cost the try page: seconds until they are seen, of a click, of a step of the wheel.

    python -m tests.benchmarks.bench_try_page [--megapixels 100]

A JPEG, as of bench_large, in a headless Chromium beside `click99 serve`. A wheel's step is taken until its
pixels can be read back from the canvas; the median of eight, at the whole picture and close by.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.bench_large import files
from tests.e2e.browser import chromium
from tests.e2e.try_page import TryPage
from tests.server.command import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEP = """async (deltaY) => {
    const canvas = document.querySelector("#view");
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const place = { clientX: left + width / 2, clientY: top + height / 2 };
    const begun = performance.now();
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaY, ...place, cancelable: true }));
    canvas.getContext("2d").getImageData(0, 0, 1, 1);
    return performance.now() - begun;
}"""


def wheel(page: Page, deltas: list[int]) -> float:
    return statistics.median(page.evaluate(STEP, delta) for delta in deltas)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=100)
    options = parser.parse_args()
    os.environ |= {"CLICK99_IMAGE_MEGAPIXELS": f"{options.megapixels + 1}", "CLICK99_IMAGE_MB": "1024"}
    scale, made = files(options.megapixels)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "large.jpg")
        file.write_bytes(made["large.jpg"])
        with serving(Path(folder)) as address, chromium() as browser:
            page = TryPage(browser.new_page(viewport={"width": 1400, "height": 900}))
            page.page.set_default_timeout(600_000)
            page.size = (round(640 * scale), round(480 * scale))
            page.page.goto(address)
            begun = time.monotonic()
            page.page.locator("#file").set_input_files(file)
            page.says("Click an object")
            seen = time.monotonic() - begun
            far = wheel(page.page, [-10, 10] * 4)
            begun = time.monotonic()
            page.click((0.5, 0.5), 1)
            clicked = time.monotonic() - begun
            masked = wheel(page.page, [-10, 10] * 4)
            page.page.evaluate(STEP, -1200)
            page.page.wait_for_timeout(3000)
            close = wheel(page.page, [-10, 10] * 4)
            print(
                f"seen after {seen:.1f} s, a click {clicked:.1f} s; a wheel's step {far:.0f} ms, with a mask "
                f"{masked:.0f} ms, close by {close:.0f} ms",
                flush=True,
            )


if __name__ == "__main__":
    main()

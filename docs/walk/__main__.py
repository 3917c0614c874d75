"""`python -m docs.walk`: a clean clone of this repository, walked through; the table and pictures of
docs/tutorials/walk.md are made of it. It needs what `make e2e` needs, and half an hour."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from docs.walk.gestures import Gestures
from docs.walk.stages import Pictures, Walk
from docs.walk.table import Stage, table
from tests.e2e.browser import chromium, new_page
from tests.e2e.running_demo import ROOT, RunningDemo

PAGE = ROOT / "docs" / "tutorials" / "walk.md"
IMAGES = ROOT / "docs" / "images"
BEGIN, END = "<!-- made by docs.walk -->\n\n", "<!-- end -->"
SHOWN = (960, 600)  # pixels of a picture


def main(
    pictures: Annotated[Path, typer.Option(help="images/ and masks/ with files of the same names")],
    label: Annotated[str, typer.Option(help="What their objects are.")] = "object",
    count: Annotated[int, typer.Option(min=6, help="How many are annotated.")] = 10,
    minutes: Annotated[float, typer.Option(help="Of the fine-tune.")] = 15.0,
    checkout: Annotated[Path | None, typer.Option(help="Installed already; unset: cloned.")] = None,
) -> None:
    """Walk, and write it down."""
    with tempfile.TemporaryDirectory(prefix="click99-walk-") as folder:
        place = Path(folder)
        came = walk(place, Pictures(pictures, label, count), minutes, checkout)
        before, _, rest = PAGE.read_text().partition(BEGIN)
        text = before + BEGIN + table(came, count) + "\n\n" + END + rest.partition(END)[2]
        PAGE.write_text(text)
        for file in place.glob("walk-*.png"):
            shown = Image.open(file).convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)
            shown.save(IMAGES / f"{file.stem}.webp", quality=60, method=6)


def walk(place: Path, pictures: Pictures, minutes: float, checkout: Path | None) -> list[Stage]:
    began, clone = time.monotonic(), (checkout or place / "click99").resolve()
    if not checkout:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    demo = RunningDemo.start(clone / ".demo", ["make", "demo"], clone)
    try:
        typed = Gestures(0, ("git clone https://example.com/click99", "cd click99", "make demo"))
        installed = Stage("install", time.monotonic() - began, typed, "Label Studio and click99 run")
        print(f"install: {installed.seconds:.0f} s", flush=True)
        with chromium() as browser, new_page(browser) as page:
            page.set_viewport_size({"width": 1440, "height": 900})
            walked = Walk(clone, place, demo, page, pictures)
            walked.go(minutes)
        return [installed, *walked.stages]
    finally:
        demo.end(signal.SIGTERM)


if __name__ == "__main__":
    typer.run(main)

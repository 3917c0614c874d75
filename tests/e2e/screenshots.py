"""Every label config of `label_config/` with a clicked mask, as docs/reference/label-config.md shows them.
`python -m tests.e2e.screenshots` makes the pictures."""

from __future__ import annotations

import io
import tempfile
from importlib.resources import files
from pathlib import Path

from PIL import Image

from tests.e2e.browser import chromium, new_page
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import ROOT, running_demo
from tests.e2e.workplace import COFFEE, SPOON, Click99, Workplace

FOLDER = ROOT / "docs" / "images"
KINDS = ("brush", "bitmask", "polygon", "box", "keys")
WINDOW = {"width": 1440, "height": 900}
SHOWN = (1080, 675)  # pixels of a picture


def config(kind: str) -> str:
    return files("label_config").joinpath(f"{kind}.xml").read_text()


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_demo(Path(folder) / "demo") as demo,
        Click99(demo, Path(folder)) as click99,
        chromium() as browser,
        new_page(browser) as page,
    ):
        page.set_viewport_size({"width": WINDOW["width"], "height": WINDOW["height"]})
        studio, workplace = LabellingPage(page, demo.address, Path(folder)), Workplace(demo, click99)
        studio.log_in(demo.email, demo.password)
        studio.auto_accept(False)
        for kind in KINDS:
            picture(studio, workplace, kind).save(FOLDER / f"label-config-{kind}.webp", quality=60, method=6)


def picture(studio: LabellingPage, workplace: Workplace, kind: str) -> Image.Image:
    """Of a cup that was clicked, and of what is no cup."""
    project = workplace.project(kind, config(kind))
    studio.work_on(project.id, project.task())
    for click in (COFFEE, SPOON):
        studio.click(click)
    return Image.open(io.BytesIO(studio.page.screenshot())).convert("RGB").resize(SHOWN)


if __name__ == "__main__":
    main()

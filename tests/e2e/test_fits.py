"""At the windows that people have the whole picture is seen, with all that stands around it."""

from __future__ import annotations

import pytest
from PIL import Image

from click99.demo.pictures import pictures
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.screenshots import KINDS, config
from tests.e2e.workplace import Workplace

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
SIZES = ((1440, 900), (1280, 720), (1920, 1080))
LIMITS = """() => [document.querySelector('.konvajs-content').getBoundingClientRect().bottom,
                   document.querySelector('.lsf-bottombar').getBoundingClientRect().top]"""


@pytest.fixture(scope="module")
def tall(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a picture as a telephone held upright takes it, 900 × 1600."""
    file = tmp_path_factory.mktemp("tall") / "upright.jpg"
    with pictures()[0].open("rb") as coffee, Image.open(coffee) as picture:
        picture.convert("RGB").transpose(Image.Transpose.ROTATE_90).resize((900, 1600)).save(file)
    holder = workplace.project("holds a tall picture")
    uploads = {file.name: (file.name, file.read_bytes())}
    workplace.client.call("POST", f"/api/projects/{holder.id}/import", files=uploads)
    (task,) = workplace.client.tasks(holder.id, 10)
    return task["data"]["image"]


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_ends_above_the_buttons(
    workplace: Workplace, studio: LabellingPage, tall: str, kind: str, shape: str
) -> None:
    project = workplace.project(f"fits {kind} {shape}", config(kind))
    task = project.task(**({"image": tall} if shape == "tall" else {}))
    for number, (width, height) in enumerate(SIZES):
        studio.page.set_viewport_size({"width": width, "height": height})
        studio.work_on(project.id, task)
        studio.screenshot(f"fits-{kind}-{shape}-{number}")
        end, buttons = studio.page.evaluate(LIMITS)
        assert end <= buttons, f"at {width} × {height}"
    studio.page.set_viewport_size({"width": 1400, "height": 900})

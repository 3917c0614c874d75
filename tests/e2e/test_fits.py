"""At the windows that people have the whole picture is seen, with all that stands around it."""

from __future__ import annotations

import pytest

from tests.e2e.labelling_page import LabellingPage
from tests.e2e.screenshots import KINDS, config
from tests.e2e.workplace import Workplace

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
SIZES = ((1440, 900), (1280, 720), (1920, 1080))
LIMITS = """() => [document.querySelector('.konvajs-content').getBoundingClientRect().bottom,
                   document.querySelector('.lsf-bottombar').getBoundingClientRect().top]"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_ends_above_the_buttons(workplace: Workplace, studio: LabellingPage, kind: str) -> None:
    project = workplace.project(f"fits {kind}", config(kind))
    for number, (width, height) in enumerate(SIZES):
        studio.page.set_viewport_size({"width": width, "height": height})
        studio.work_on(project.id, project.task())
        studio.screenshot(f"fits-{kind}-{number}")
        end, buttons = studio.page.evaluate(LIMITS)
        assert end <= buttons, f"at {width} × {height}"
    studio.page.set_viewport_size({"width": 1400, "height": 900})

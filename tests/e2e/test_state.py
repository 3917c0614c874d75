"""What people do between clicks, in a real browser and a real Label Studio (docs/state.md has the list).

One picture throughout: a cup of coffee, 600 × 400.
"""

from __future__ import annotations

import numpy as np
import pytest

from backend.segmentation.clicks import Click
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.workplace import Click99, Project, mask_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

COFFEE, SPOON, SAUCER, HANDLE = (
    Click(290, 150, True),
    Click(365, 290, False),
    Click(150, 250, False),
    Click(205, 240, True),
)


def test_undo_delete_drag_and_reject_equal_a_fresh_session(
    studio: LabellingPage, project: Project, click99: Click99
) -> None:
    task = project.task()
    studio.work_on(project.id, task)
    first, second = studio.click(COFFEE), studio.click(SPOON)
    studio.click(SAUCER)
    studio.undo()
    answers = [studio.click(HANDLE)]
    assert len(answers[0].clicks) == 3
    answers.append(studio.drag(HANDLE, Click(195, 225, True)))
    assert answers[1].clicks[2]["id"] == answers[0].clicks[2]["id"]
    studio.reject()
    answers.append(studio.click(COFFEE))
    assert len(answers[2].clicks) == 1
    for answer in (first, second, *answers):
        fresh = click99.fresh_answer(project.read(task), answer.clicks)
        assert np.array_equal(mask_of(answer.regions[0]), fresh)

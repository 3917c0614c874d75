"""A region that was accepted unchanged goes on with all that made it: clicks, box or prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from click99.annotations.tables import ClickRow
from click99.labelstudio.prompts import Box
from click99.segmentation.clicks import Click
from click99.segmentation.prior import UNKNOWN
from click99.sessions import MemoryStore, Sessions
from click99.sessions.corrections import Start as Mask
from click99.sessions.sessions import Beginning
from tests.disc_painter import DiscPainter, GrowingPainter
from tests.server.boxes import answer, box
from tests.server.kinds import KINDS, READ, config
from tests.server.requests import HEIGHT, WIDTH, Start, click, draft, keypoint, mask_of

FIRST, SECOND, THIRD = (
    (keypoint(name, x, y, positive=positive), Click(x, y, positive, name))
    for name, x, y, positive in (("a", 20, 20, True), ("b", 25, 22, True), ("c", 22, 12, False))
)
LOOSE = 30.0  # thousandths of 64 pixels: an outline that is another mask


@pytest.fixture
def painter() -> DiscPainter:
    return GrowingPainter()


def expected(start: Beginning | None, clicks: Sequence[Click]) -> np.ndarray:
    """What a fresh server makes of them: bool [H, W]."""
    sessions = Sessions(GrowingPainter(), MemoryStore(1 << 20, 60))
    return sessions.mask("image", np.zeros((HEIGHT, WIDTH, 3), np.uint8), clicks, start).foreground


def accepted_one_by_one(server: TestClient, label_config: str, *clicks: dict[str, Any]) -> dict[str, Any]:
    """The region after clicks of which each came when the answer before was a region already."""
    region: dict[str, Any] = {}
    for each in clicks:
        (region,) = click(server, label_config, each, **(draft(region) if region else {}))
    return region


@pytest.mark.parametrize("restart", [False, True], ids=["one server", "a restart between"])
@pytest.mark.parametrize("kind", KINDS)
def test_clicks_go_on_from_the_clicks_before(start: Start, kind: str, restart: bool):
    server = start(polygon_tolerance=LOOSE)
    before = accepted_one_by_one(server, config(kind), FIRST[0], SECOND[0])
    server = start(polygon_tolerance=LOOSE) if restart else server
    (after,) = click(server, config(kind), THIRD[0], **draft(before))
    (never_accepted,) = click(start(polygon_tolerance=LOOSE), config(kind), FIRST[0], SECOND[0], THIRD[0])
    assert after["value"] == never_accepted["value"]
    assert after["meta"]["clicks"] == [["a", 20, 20, True], ["b", 25, 22, True], ["c", 22, 12, False]]


def test_an_outline_that_was_dragged_is_where_clicks_start(start: Start):
    server = start(polygon_tolerance=LOOSE)
    (before,) = click(server, config("polygon"), FIRST[0])
    (x, y), *others = before["value"]["points"]
    before["value"]["points"] = [[x, y - 15], *others]
    (after,) = click(server, config("polygon"), SECOND[0], **draft(before))
    assert after["meta"]["clicks"] == [["b", 25, 22, True]]
    start_mask = Mask(READ["polygon"](before["value"]))
    (exact,) = click(start(polygon_tolerance=0), config("polygon"), SECOND[0], **draft(before))
    assert np.array_equal(READ["polygon"](exact["value"]), expected(start_mask, [SECOND[1]]))


@pytest.mark.parametrize("restart", [False, True], ids=["one server", "a restart between"])
def test_clicks_in_a_box_s_region_go_on_from_the_box(start: Start, restart: bool):
    server, around = start(), Box(10, 8, 50, 40, "box")
    boxed = answer(server, box(10, 8, 50, 40))
    assert np.array_equal(mask_of(boxed), expected(around, []))
    once = answer(server, THIRD[0], **draft(boxed))
    assert np.array_equal(mask_of(once), expected(around, [THIRD[1]]))
    twice = answer(start() if restart else server, SECOND[0], **draft(once))
    assert np.array_equal(mask_of(twice), expected(around, [THIRD[1], SECOND[1]]))


def test_a_click_in_what_another_region_was_cut_from_goes_on(server: TestClient):
    kept = answer(server, box(2, 2, 26, 26))
    beside = answer(server, box(18, 10, 50, 40, "another"), **draft(kept))
    again = answer(server, keypoint("d", 36, 28), **draft(kept, beside))
    whole = expected(Box(18, 10, 50, 40, "another"), [Click(36, 28, True, "d")])
    assert again["id"] == beside["id"]
    assert np.array_equal(mask_of(again), whole & ~mask_of(kept))


@pytest.mark.parametrize(
    "meta",
    [
        {"clicks": [["a", 20, 2000, True]], "begun": ""},
        {"clicks": [["a", -1, 20, True]], "begun": ""},
        {"clicks": [["a", 10**12, 20, True]], "begun": "box 0 0 20 20"},
        {"clicks": [["a", 20, 20, True]], "begun": "box 10 8 5000 40"},
        {"clicks": [["a", 20, 20, True]], "begun": "box 20 8 10 40"},
        {"clicks": [["a", 20, 20, True]], "begun": "box 10 8 50 " + "9" * 400},
        {"clicks": [], "begun": "box 10 8 50 40"},
        {"clicks": [], "begun": ""},
        {"clicks": [["a", 20, 20, True]] * 101, "begun": ""},
        {"clicks": [["a", 20, 20, True]], "begun": "0123456789ab"},
    ],
)
def test_a_region_that_tells_nonsense_is_where_clicks_start(
    server: TestClient, painter: DiscPainter, meta: dict[str, Any]
):
    region = answer(server, FIRST[0])
    painter.steps.clear()
    refined = answer(server, THIRD[0], **draft(region | {"meta": meta}))
    assert np.array_equal(mask_of(refined), expected(Mask(mask_of(region)), [THIRD[1]]))
    assert len(painter.steps) == 1


def test_the_record_tells_one_way_whatever_was_accepted_between(
    server: TestClient, read: Callable[..., list]
):
    accepted_one_by_one(server, config("brush"), *(item for item, _ in (FIRST, SECOND, THIRD)))
    boxed = answer(server, box(10, 8, 50, 40), id=4)
    answer(server, THIRD[0], **draft(boxed), id=4)
    rows = sorted(read(ClickRow, 5), key=lambda row: (row.task, row.place))
    told = [(row.task, row.click_id, row.origin, row.start, row.box) for row in rows]
    assert told == [
        ("3", "a", "nothing", None, None),
        ("3", "b", "click", None, None),
        ("3", "c", "click", None, None),
        ("4", "box", "box", None, "10 8 50 40"),
        ("4", "c", "click", None, "10 8 50 40"),
    ]
    assert [row.parent for row in rows[1:3]] == [row.state for row in rows[:2]]


def test_the_record_tells_one_way_from_a_prediction(server: TestClient, read: Callable[..., list]):
    """With the first mask that is accepted it is a draft's."""
    (imported,) = click(server, config("brush"), FIRST[0], id=4)
    opened: dict[str, Any] = {"predictions": [{"id": 1, "result": [imported | {"meta": {}}]}]}
    once = answer(server, SECOND[0], **opened)
    answer(server, THIRD[0], **opened, **draft(once))
    rows = sorted((row for row in read(ClickRow, 3) if row.task == "3"), key=lambda row: row.place)
    assert [(row.click_id, row.origin) for row in rows] == [("b", "prediction"), ("c", "click")]
    assert rows[1].parent == rows[0].state


@pytest.mark.parametrize("prompt", [FIRST[0], box(10, 8, 50, 40)], ids=["a point", "a box"])
def test_the_prompt_of_a_prediction_is_no_person_s_click(
    server: TestClient, read: Callable[..., list], prompt: dict[str, Any]
):
    made = answer(server, prompt, id=4)
    opened: dict[str, Any] = {"predictions": [{"id": 1, "result": [made]}]}
    once = answer(server, SECOND[0], **opened)
    twice = answer(server, THIRD[0], **opened, **draft(once))
    assert twice["meta"]["begun"] == made["meta"]["begun"], "it goes on from the prompt"
    rows = sorted((row for row in read(ClickRow, 3) if row.task == "3"), key=lambda row: row.place)
    assert [(row.click_id, row.origin) for row in rows] == [("b", "prediction"), ("c", "click")]
    assert rows[0].start == next(row.mask for row in read(ClickRow, 3) if row.task == "4")


def test_of_other_predictions_nothing_is_read(server: TestClient, caplog: pytest.LogCaptureFixture):
    """They may hold thousands of masks."""
    imported = answer(server, FIRST[0], id=4) | {"meta": {}}
    other = imported | {"id": "other", "value": imported["value"] | {"rle": [1, 2, 3]}}
    own, another = {"id": 1, "result": [imported]}, {"id": 2, "result": [other]}
    once = answer(server, SECOND[0], predictions=[own])
    twice = answer(server, THIRD[0], predictions=[another, own], **draft(once))
    assert [name for name, *_ in twice["meta"]["clicks"]] == ["b", "c"]
    assert "is not read" not in caplog.text


class SizedPainter(GrowingPainter):
    """Its discs are as what is known says."""

    def refine(self, image, clicks, previous, image_key, prior=UNKNOWN):
        alpha = super().refine(image, clicks, previous, image_key, prior)
        alpha[-1, -8:] = np.arange(8) < len(prior.areas)
        return alpha


@pytest.fixture
def forgetful(start: Start, tmp_path: Path) -> Start:
    """A server without the notes of the one before."""

    def start_anew() -> TestClient:
        for notes in tmp_path.glob("notes.sqlite*"):
            notes.unlink()
        return start()

    return start_anew


class TestWhatWasKnown:
    @pytest.fixture
    def painter(self) -> DiscPainter:
        return SizedPainter()

    def test_is_known_again_of_what_was_there_before(self, start: Start, forgetful: Start):
        server = start()
        first, away = answer(server, FIRST[0]), keypoint("d", 50, 30)
        second = answer(server, away, **draft(first))
        third = answer(server, keypoint("e", 8, 40), **draft(first, second))
        on_screen = draft(first, second, third)
        for item, region in ((SECOND[0], first), (keypoint("f", 50, 32), second)):
            again = answer(forgetful(), item, **on_screen)
            assert again["id"] == region["id"]
            assert len(again["meta"]["clicks"]) == 2

    def test_is_nothing_of_a_prediction(self, start: Start, forgetful: Start):
        made = [answer(start(memory="off"), item) for item in (FIRST[0], keypoint("d", 50, 30))]
        opened: dict[str, Any] = {"predictions": [{"id": 1, "result": made}]}
        again = answer(forgetful(), keypoint("f", 50, 32), **opened)
        assert [name for name, *_ in again["meta"]["clicks"]] == ["d", "f"]

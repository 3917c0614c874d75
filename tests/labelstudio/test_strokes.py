"""Strokes are drawn as Label Studio's browser draws them when it saves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from click99.labelstudio import brush
from click99.labelstudio.strokes import Stroke, draw, touched
from tests.recorded import RECORDED, needs_recorded


def stroke(*points: float, kind: str = "add", width: float = 10) -> Stroke:
    return Stroke.model_validate({"type": kind, "relativePoints": points, "relativeStrokeWidth": width})


@needs_recorded
def test_an_erased_draft_becomes_what_the_browser_saved():
    draft = json.loads((RECORDED / "backend_predict_after_erase.json").read_text())["body"]["tasks"][0][
        "drafts"
    ]
    before = draft[0]["result"][0]["value"]
    sent = json.loads((RECORDED / "submit_after_erase.json").read_text())[0]["request"]
    saved = brush.decode(sent["result"][0]["value"]["rle"], 480, 640)
    drawn = draw(brush.decode(before["rle"], 480, 640), [Stroke.model_validate(t) for t in before["touches"]])
    changed = np.count_nonzero((brush.decode(before["rle"], 480, 640) > 127) != (saved > 127))
    assert changed > 400
    assert np.count_nonzero((drawn > 127) != (saved > 127)) <= 0.01 * changed
    assert np.abs(drawn.astype(int) - saved).max() < 64  # edges only: the browser's anti-aliasing


def test_a_straight_stroke_covers_its_width_and_its_round_ends():
    mask = draw(np.zeros((100, 200), np.uint8), [stroke(25, 50, 75, 50)])  # (50, 50) to (150, 50), 20 px wide
    assert set(np.flatnonzero(mask[:, 100] > 127)) == set(range(40, 60))
    columns = np.flatnonzero(mask[50] > 127)
    assert (columns[0], columns[-1]) == (40, 159)
    assert mask[41, 41] == 0, "round, not square"


def test_a_single_touch_is_a_dot():
    mask = draw(np.zeros((100, 100), np.uint8), [stroke(50, 50, 50, 50)])
    assert np.count_nonzero(mask > 127) == pytest.approx(np.pi * 25, rel=0.05)
    assert np.array_equal(mask, draw(np.zeros((100, 100), np.uint8), [stroke(50, 50)]))


def test_strokes_count_in_order():
    full = np.full((60, 60), 255, np.uint8)
    line = (10, 50, 90, 50)
    assert draw(full, [stroke(*line, kind="eraser"), stroke(*line)])[30, 30] == 255
    assert draw(full, [stroke(*line), stroke(*line, kind="eraser")])[30, 30] == 0


points = st.lists(st.floats(-20, 120), min_size=2, max_size=12)


@given(points, st.floats(0.5, 30), st.sampled_from(["add", "eraser"]))
def test_only_touched_pixels_change_and_all_of_them(places: list[float], width: float, kind: str):
    start = np.where(np.indices((40, 70)).sum(axis=0) % 2, 255, 0).astype(np.uint8)
    one = stroke(*places, kind=kind, width=width)
    after, over = draw(start, [one]) > 127, touched([one], 40, 70)
    assert (after[over] == (kind == "add")).all()
    assert np.array_equal(after[~over], start[~over] > 127)


@pytest.mark.parametrize("width", [0, -1, float("nan"), 1e9])
def test_a_stroke_of_no_width_is_refused(width: float):
    with pytest.raises(ValidationError):
        stroke(10, 10, 20, 20, width=width)

"""Two networks compared: figures, and the bootstrap behind their intervals."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console

from click99_training.learning.compare import compare, table
from tests.training.learning.comparisons import BETTER, SAME, reaching


def test_figures_are_those_of_the_definition():
    assert (BETTER.before.noc90, BETTER.after.noc90) == (8.5, pytest.approx(25 / 6, abs=1e-3))
    assert pytest.approx(25 / 51 - 1, abs=1e-4) == BETTER.relative
    low, high = BETTER.change_interval
    assert low < BETTER.change < high < 0
    assert BETTER.iou_changes[5][0] == pytest.approx(0.45)


def test_the_table_fits_a_narrow_terminal():
    console = Console(width=80, record=True, file=StringIO())
    console.print(table("Gate", {"collected, held out": BETTER, "base set": SAME}))
    assert "…" not in (shown := console.export_text())
    assert re.search(r"6 images +│ after +│ 4\.17", shown)
    assert "-51.0%" in shown


def test_an_image_s_masks_are_drawn_together():
    """Six masks of one image say no more than one: with two images the interval holds both extremes."""
    before, after = reaching([5] * 12), reaching([1] * 6 + [9] * 6)
    together = compare(before, after, images=["a"] * 6 + ["b"] * 6)
    assert together.change_interval == (-4, 4)
    assert (together.images, together.masks) == (2, 12)
    low, high = compare(before, after).change_interval
    assert -4 < low < high < 4

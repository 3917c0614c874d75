"""The table of docs/tutorials/walk.md: how gestures are counted, and that it says what the code counts."""

from __future__ import annotations

import re

import pytest

from docs.walk.gestures import Gestures
from docs.walk.sam_example import stages as of_sam
from docs.walk.table import AROUND, ONCE, TITLES, Stage, table
from tests.docs_pages import ROOT

PAGE = ROOT / "docs" / "tutorials" / "walk.md"
PICTURES = 24  # of the table


def rows() -> dict[str, list[str]]:
    """Stage's title → its cells, of the page."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {title: rest for title, *rest in cells}


def test_a_click_is_decided_on_aimed_and_pressed_and_a_line_is_typed() -> None:
    assert Gestures(2).seconds == pytest.approx(2 * (1.35 + 1.1 + 0.2))
    both = Gestures(1, ("make demo",))
    assert both.count == 2
    assert both.seconds == pytest.approx(2.65 + 1.35 + 10 * 0.2)


def test_the_page_counts_the_sam_example_as_the_code_does() -> None:
    told = rows()
    clicks = int(told[TITLES["correct"]][0]) - ONCE - AROUND * PICTURES
    for name, sam in of_sam(PICTURES, clicks).items():
        cells = told[TITLES[name]][-2:]
        assert cells == ([str(sam.count), f"{sam.seconds:.0f}"] if isinstance(sam, Gestures) else [sam, ""])


def test_the_page_adds_up() -> None:
    *stages, together = [
        cells for title, cells in rows().items() if title in (*TITLES.values(), "**together**")
    ]
    for column in (0, 4):
        counts = [int(cells[column]) for cells in stages if re.fullmatch(r"\d+", cells[column])]
        assert int(together[column]) == sum(counts)


def test_a_table_has_every_stage() -> None:
    made = table([Stage(name, 1.0, Gestures(ONCE + 3), "said") for name in TITLES], 1)
    assert [line.split("|")[1].strip() for line in made.splitlines()[2:-1]] == [*TITLES.values()]

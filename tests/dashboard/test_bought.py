"""The page of what a promotion bought: numbers where they belong, and nothing that breaks it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from click99.dashboard.bought import HEIGHT, Evidence, JudgedImage, MaskPair, bars, bought_page, lines, weeks
from tests.annotations.examples import NOON
from tests.dashboard.examples import cost

EVIL = '<script>alert("1")</script>'
GAINED, LOST = JudgedImage("a", 0.5, 0.75), JudgedImage("b", 0.5, 0.375)
ADDRESS = "data:image/jpeg;base64,AAAA"
PAIRS = [MaskPair(image, 3, ADDRESS, ADDRESS) for image in (GAINED, LOST)]
EVIDENCE = Evidence("v2", "v1", f"better: {EVIL}", 0.03125, [GAINED, LOST], PAIRS)
COSTS = [
    cost(clicks=6),
    cost(clicks=4),
    cost(clicks=3, version="v2", saved_at=NOON + timedelta(days=14)),
    cost(clicks=9, saved_at=NOON + timedelta(days=14)),
    cost(clicks=0, version=""),  # drawn by hand
    cost(clicks=3, version="v2", saved_at=None),
]


def test_weeks_part_what_it_answered_from_what_others_did():
    first, empty, last = weeks(COSTS, "v2")
    assert (first.start, first.masks, first.clicks[0]) == ("2025-12-29", (2, 0), 5)
    assert (empty.start, empty.masks) == ("2026-01-05", (0, 0))
    assert (last.masks, last.clicks) == ((1, 1), (9, 3))
    without, with_it = lines([first, empty, last])
    assert [x for x, _ in without] == [0, 640]
    assert with_it == [(640, HEIGHT * (1 - 3 / 10))]


def test_bars_stand_on_nothing_and_hang_below_it():
    found = bars(EVIDENCE)
    (_, low, _, _, lost), (_, top, _, high, gained) = found.bars
    assert (lost, gained) == (True, False)
    assert (low, top) == (found.zero, 0)
    assert high == pytest.approx(found.zero)
    assert 0 < found.mean < found.sure < found.zero


@pytest.mark.parametrize("since", ["", "v2 stays"])
def test_the_page_tells_what_was_found(since: str):
    page = bought_page(EVIDENCE, COSTS, since)
    assert EVIL not in page
    assert ("Since then: v2 stays" in page) == bool(since)
    tiles = re.findall(r"<div><b>(.*?)</b>", page)
    assert tiles == ["+0.062", "1", "1", "6.33 → 3.00"]
    assert page.count(ADDRESS) == 4
    assert '<b class="lost-by">-0.125</b> IoU over the first clicks: 0.500 → 0.375' in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)[^#]", page), "it needs nothing else"
    assert "Nothing was saved with it yet" not in page


def test_it_can_be_made_with_nothing_saved_and_nothing_changed():
    same = JudgedImage("a", 0.5, 0.5)
    nothing = Evidence("v2", "v1", "better", 0.0, [same], [])
    page = bought_page(nothing, [])
    assert "The record has no saved mask with clicks" in page
    assert "No image was answered differently" in page
    assert "Nothing was saved with it yet" in bought_page(nothing, [cost()])


def test_the_evidence_is_kept_whole():
    assert Evidence.read(EVIDENCE.to_json()) == EVIDENCE
    with pytest.raises(ValueError, match="JSON"):
        Evidence.read(b"half")

"""CLICK99_CLEAN_PERCENT reaches what Label Studio and the try page are answered."""

from __future__ import annotations

import pytest

from tests.crumb_painter import HOLE, ISLAND, CrumbPainter
from tests.server.annotator import Annotator
from tests.server.requests import Start


@pytest.fixture
def painter() -> CrumbPainter:
    return CrumbPainter()


@pytest.mark.parametrize(("percent", "cleaned"), [(0, False), (5, True)])
def test_answers_are_cleaned(start: Start, percent: float, cleaned: bool):
    ann = Annotator(start(clean_percent=percent))
    ann.open()
    shown = ann.click(30, 20)
    assert shown[ISLAND].any() != cleaned
    assert shown[HOLE].all() == cleaned
    assert shown[20, 30]

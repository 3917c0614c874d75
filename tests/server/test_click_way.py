"""A click enters the files of docs/explanation/click.md, in its order, and no more."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from fastapi.testclient import TestClient

import click99
from click99.server.app import create_app
from click99.server.settings import Settings
from tests.disc_painter import DiscPainter
from tests.server.requests import body, keypoint

BACKEND = Path(click99.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "click.md"
MOST_FILES = 35
FIRST, SECOND = keypoint("a", 20, 20), keypoint("b", 40, 30, positive=False)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """Without its background: what looks again and again would enter files of its own."""
    return TestClient(create_app(Settings(home=tmp_path), DiscPainter()))


def test_a_click_enters_the_files_of_the_page(client: TestClient) -> None:
    assert client.post("/predict", json=body([FIRST])).status_code == 200
    entered: dict[str, None] = {}  # in order

    def look(frame: FrameType, event: str, _: Any) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(BACKEND):
            entered.setdefault(file.relative_to(BACKEND).as_posix())

    threading.setprofile(look)
    try:
        assert client.post("/predict", json=body([FIRST, SECOND])).status_code == 200
    finally:
        threading.setprofile(None)
    assert [*entered] == files_of_the_page()
    assert len(entered) <= MOST_FILES


def files_of_the_page() -> list[str]:
    """The first file of each row."""
    return re.findall(r"^\| `([a-z_/]+\.py)`", PAGE.read_text(), re.MULTILINE)

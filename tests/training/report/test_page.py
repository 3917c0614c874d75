"""`click99 report`: one page that asks nobody for anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from click99.cli import app
from tests.training.rows import rows

pytestmark = pytest.mark.slow("makes a whole report")


class Page(HTMLParser):
    """The tags that are open at the end, every id, and every address."""

    VOID = frozenset({"meta", "img", "br", "link"})

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [] if tag in self.VOID else [tag]
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.addresses.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_nobody_for_anything(report: Path):
    text = (report / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert all(address.startswith(("#", "data:image/")) for address in page.addresses)
    assert not re.search(r"url\((?!#)|@import|<script", text)
    anchors = [identity for identity in page.ids if re.match("table|figure|beyond|other|curves", identity)]
    assert len(anchors) == len(set(anchors))
    assert {address[1:] for address in page.addresses if address[0] == "#"} <= set(page.ids)


PARTS = """
table-1 table-2 table-3 table-6 table-7 table-8 figure-3 figure-4 figure-6
iou-per-click-mine by-click-mine images-above-each-iou-mine by-size-mine corrective-accuracy-mine
figure-6-variants figure-7 figure-8 figure-10 figure-10-variants figure-11 figure-16-grabcut
figure-18-19 figure-20 figure-23-grabcut figure-24-grabcut beyond-the-paper steps other-claims curves
"""


@pytest.mark.parametrize("name", PARTS.split())
def test_every_part_has_files_of_its_own(report: Path, name: str):
    picture, table = report / f"{name}.png", report / f"{name}.csv"
    assert picture.exists() or table.exists()
    if picture.exists():
        pixels = cv2.imread(str(picture))
        assert pixels is not None
        assert np.ptp(pixels) > 100 or name == "figure-18-19"
    if table.exists():
        assert rows(table)


def test_what_is_not_given_is_said_and_not_filled_in(tmp_path: Path):
    result = CliRunner().invoke(app, ["report", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert all(row["how"] != "measured" for table in tmp_path.glob("*.csv") for row in rows(table))
    assert list(tmp_path.glob("figure-*")) == []
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for number in (*range(3, 13), *range(20, 25), 16):
        assert f"Figure {number}" in text
    assert "click99 report --regimes FOLDER" in text


def test_own_figures_come_first_and_nothing_is_said_to_be_missing(
    tmp_path: Path, given: Path, benchmark_folder: Path
):
    options = [str(given / "mine.json"), "--data", f"mine={benchmark_folder}", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["report", *options])
    assert result.exit_code == 0, result.output
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    titles = re.findall("<h2>(.*)</h2>", text)
    assert titles == ["mine", "The systems compared", "Results", "Ablation", "Training"]
    assert "Not given" not in text
    assert "It takes" not in text
    own = text[text.index("<h2>mine") : text.index("<h2>The systems")]
    assert own.count("<figure>") == 18, "three objects: two galleries of masks, two of masks beside truth"
    assert [row["clicks"] for row in rows(tmp_path / "by-click-mine.csv")] == ["1", "2", "3", "5", "10", "20"]
    assert {"by-size-mine.csv", "pictures-mine.png"} <= {file.name for file in tmp_path.iterdir()}


def test_own_pictures_that_were_not_given_are_asked_for_in_one_line(tmp_path: Path, given: Path):
    CliRunner().invoke(app, ["report", str(given / "mine.json"), "--out", str(tmp_path)])
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("--data mine=FOLDER") == 1
    assert "Not given" not in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--ablation", "{}"], "no VARIANT.DATASET.json"),
        (["--composites", "{}/text.png"], "text.png is not a picture"),
        (["--data", "grabcut"], "--data 'grabcut' is not NAME=FOLDER"),
        (["{}/text.png"], "text.png is not JSON"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, options: list[str], said: str):
    (tmp_path / "text.png").write_text("no picture")
    options = [option.format(tmp_path) for option in options]
    result = CliRunner().invoke(app, ["report", "--out", str(tmp_path / "out"), *options])
    assert result.exit_code == 2
    assert said in result.output

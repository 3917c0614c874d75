from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from click99.cli import app
from click99.segmentation.clicks import Click
from click99.segmentation.metrics import auc, noc
from click99_training.datasets.folders import MaskFolder
from click99_training.evaluation import results
from click99_training.evaluation.results import PER_CLICK, Annotation, Record, pack
from click99_training.report import published
from click99_training.report.ablation_tables import steps_table
from click99_training.report.gallery import NEGATIVE, POSITIVE, WIDTH, draw, ranked, spread
from click99_training.report.inputs import REGIMES, VARIANTS, read_grid

NAMES = ("one", "twoa", "twob")  # of the benchmark folder's masks


def record(seed: int, dataset: str = "grabcut", protocol: str = "paper") -> Record:
    """An evaluation as it might have gone: IoUs that rise with every click, for some images faster."""
    rng = np.random.default_rng(seed)
    annotations = []
    for k, name in enumerate(NAMES):
        ious = 1 - (0.2 + 0.2 * k) * np.exp(-np.arange(20) * rng.uniform(0.05, 0.5))
        figures = {name: np.clip(ious * rng.uniform(0.6, 1), 0, 1) for name in PER_CLICK} | {"ious": ious}
        clicks = [
            Click(int(x), int(y), bool(x % 2)) for x, y in zip(*rng.integers(0, 60, (2, 20)), strict=True)
        ]
        masks = {k: pack(rng.random((60, 80)) < 0.5) for k in (1, 3, 6, 20)}
        annotations.append(Annotation(name, clicks, seconds=[0.1] * 20, masks=masks, **figures))
    return Record(dataset, f"compact-{seed}", protocol, False, 0.95, annotations)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that a report can be made from, but pictures."""
    folder = tmp_path_factory.mktemp("given")
    results.write(record(0), folder / "grabcut.json")
    results.write(record(0, "berkeley"), folder / "berkeley.json")
    results.write(record(0, protocol="ritm"), folder / "ritm.json")
    results.write(record(9, "mine"), folder / "mine.json")
    for k, variant in enumerate([*VARIANTS, "bce"]):
        results.write(record(k), folder / "ablation" / f"{variant}.grabcut.json")
        results.write(record(k, "berkeley"), folder / "ablation" / f"{variant}.berkeley.json")
    for k, regime in enumerate(REGIMES):
        results.write(record(k), folder / "regimes" / f"{regime}.grabcut.json")
    cv2.imwrite(str(folder / "sheet.png"), np.full((40, 90, 3), 200, np.uint8))
    (folder / "log.csv").write_text(
        "images,side,unix_time,loss,iou_0,iou_1\n200,160,1,0.9,0.1,0.6\n400,160,2,0.8,0.1,0.7\n"
    )
    return folder


@pytest.fixture(scope="module")
def report(given: Path, benchmark_folder: Path) -> Path:
    """The folder that `click99 report` leaves when it is given everything."""
    out = given / "report"
    evaluations = [str(given / f"{name}.json") for name in ("grabcut", "berkeley", "ritm", "mine")]
    folders = ["--ablation", str(given / "ablation"), "--regimes", str(given / "regimes")]
    pictures = ["--data", f"grabcut={benchmark_folder}", "--composites", str(given / "sheet.png")]
    command = [
        "report",
        *evaluations,
        *folders,
        *pictures,
        "--log",
        str(given / "log.csv"),
        "--out",
        str(out),
    ]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    return out


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


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
table-1 table-2 table-3 table-6 table-7 table-8 figure-3 figure-4 figure-5-mine figure-6
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


def test_table_6_has_the_published_numbers_and_ours_each_marked(report: Path):
    table = rows(report / "table-6.csv")
    by_system = {row["system"]: row for row in table}
    assert {row["how"] for row in table} == {"published", "measured"}
    assert by_system["Forte 2020 Synth+FT"]["Berkeley NoC@90"] == "3.04"
    ours = by_system["compact-0"]
    assert ours["how"] == "measured"
    assert ours["GrabCut NoC@90"].startswith(f"{noc(record(0).ious, 0.9).mean():.2f} [")
    assert ours["SBD NoC@85"] == ""
    assert by_system["compact-0 (ritm)"]["Berkeley NoC@90"] == ""


def test_table_7_sets_published_and_measured_side_by_side(report: Path):
    table = rows(report / "table-7.csv")
    assert [(row["variant"], row["how"]) for row in table] == [
        (variant, how) for variant in VARIANTS for how in ("published", "measured")
    ]
    assert table[2]["GrabCut AuC"] == "0.9516"
    assert table[3]["GrabCut AuC"].startswith(f"{auc(record(1).ious).mean():.4f} [")


def test_claims_are_measured_against_the_whole_preset(report: Path):
    whole, bce = rows(report / "other-claims.csv")
    assert [whole["variant"], bce["variant"]] == ["+T+I+F+G", "bce"]
    assert whole["GrabCut change"] == ""
    gain = auc(record(5).ious) - auc(record(4).ious)
    assert bce["GrabCut change"].startswith(f"{gain.mean():+.4f} [")


def test_steps_are_paired_differences_with_a_verdict(report: Path):
    steps = rows(report / "steps.csv")
    assert [step["step"] for step in steps] == [f"{a} → {b}" for a, b in pairwise(VARIANTS)]
    assert steps[0]["GrabCut published"] == f"{0.9516 - 0.9121:+.4f}"
    gain = auc(record(1).ious) - auc(record(0).ious)
    assert steps[0]["GrabCut measured"].startswith(f"{gain.mean():+.4f} [")


@pytest.mark.parametrize(
    ("expected", "gains", "verdict"),
    [
        (0.02, [0.01, 0.02, 0.03], "confirmed"),
        (-0.02, [0.01, 0.02, 0.03], "contradicted"),
        (-0.02, [-0.01, -0.02, -0.01], "confirmed"),
        (0.02, [0.05, -0.04, 0.01], "open"),
    ],
)
def test_a_step_is_confirmed_where_the_interval_is_on_the_published_side(
    expected: float, gains: list[float], verdict: str
):
    before, after = record(0), record(0)
    for each, gain in zip(after.annotations, gains, strict=True):
        each.ious[:] = each.ious + gain
    assert step_verdict(expected, before, after) == verdict


def test_variants_of_different_images_are_not_compared():
    before, after = record(0), record(1)
    after.annotations.pop()
    assert step_verdict(0.1, before, after) == ""


def step_verdict(expected: float, before: Record, after: Record) -> str:
    """By the table, for a published step that goes up or down as `expected`."""
    down = published.read("ablation")[1]["grabcut AuC"] > published.read("ablation")[2]["grabcut AuC"]
    pair = ("+T", "+T+I") if (expected < 0) == down else ("baseline", "+T")
    table = steps_table({pair[0]: {"grabcut": before}, pair[1]: {"grabcut": after}})
    return next(row.cells[3] for row in table.rows if row.cells[0] == f"{pair[0]} → {pair[1]}")


def test_table_8_has_the_regimes(report: Path):
    table = rows(report / "table-8.csv")
    assert [row["regime"] for row in table if row["how"] == "measured"] == list(REGIMES)
    assert table[0]["GrabCut > 99 %"] == "62"


def test_a_figures_numbers_are_those_of_the_record(report: Path):
    drawn = [float(row["mean"]) for row in rows(report / "figure-3.csv") if row["label"] == "compact-0"]
    np.testing.assert_allclose(drawn, record(0).ious.mean(0), atol=1e-4)
    shares = [row for row in rows(report / "figure-10.csv") if row["label"] == "compact-0"]
    assert len(shares) == 4 * 10
    at_95 = next(row for row in shares if (row["clicks"], row["IoU above"]) == ("20", "0.95"))
    assert float(at_95["share"]) == pytest.approx((record(0).ious[:, -1] > 0.95).mean(), abs=1e-4)


def test_what_is_not_given_is_said_and_not_filled_in(tmp_path: Path):
    result = CliRunner().invoke(app, ["report", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert all(row["how"] != "measured" for table in tmp_path.glob("*.csv") for row in rows(table))
    assert list(tmp_path.glob("figure-*")) == []
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for number in (*range(3, 13), *range(20, 25), 16):
        assert f"Figure {number}" in text
    assert "click99 report --regimes FOLDER" in text


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


def test_variants_keep_their_order_and_others_follow(given: Path):
    assert list(read_grid(given / "ablation", VARIANTS)) == [*VARIANTS, "bce"]


def test_images_are_ranked_from_easiest_to_hardest():
    done = record(3)
    order = [each.name for each in ranked(done)]
    counts = {each.name: noc(each.ious[None], 0.9)[0] for each in done.annotations}
    assert [counts[name] for name in order] == sorted(counts.values())


def test_few_of_many_are_spread_evenly():
    assert spread(range(101), 5) == [0, 25, 50, 75, 100]
    assert spread([1, 2], 5) == [1, 2]


def test_a_drawing_keeps_the_objects_colours_and_shows_the_clicks(benchmark_folder: Path):
    sample = MaskFolder(benchmark_folder)[0]
    drawn = draw(sample.image, sample.truth, [Click(30, 30, True), Click(70, 50, False)])
    scale = WIDTH / 80
    assert drawn.shape == (round(60 * scale), WIDTH, 3)
    inside, outside = drawn[round(22 * scale), round(30 * scale)], drawn[round(5 * scale), round(5 * scale)]
    assert np.ptp(inside.astype(int)) > 60
    assert np.ptp(outside) == 0
    for x, y, colour in ((30, 30, POSITIVE), (70, 50, NEGATIVE)):
        around = drawn[round((y + 0.5) * scale) - 7, round((x + 0.5) * scale)]
        np.testing.assert_allclose(around, colour, atol=40)


def test_the_published_tables_are_whole():
    assert len(published.read("systems")) == 10 + 2
    assert all(all(row.values()) for row in published.read("systems"))
    assert {row["system"] for row in published.read("clicks")} >= {
        row["system"] for row in published.read("systems")[:-1]
    }
    assert [row["variant"] for row in published.read("ablation")] == list(VARIANTS)

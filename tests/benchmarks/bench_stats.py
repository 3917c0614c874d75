"""What the dashboard costs on a large record: seconds of a core and memory, and a look at it.

    python -m tests.benchmarks.bench_stats [--masks 100000] [--html FILE]

The record is made up: so many masks of two to four clicks on average, of five labels and three annotators, in
a year; their pixels are those of two hundred discs on 640 × 480. Pictures are the test's own.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import insert
from sqlalchemy.orm import Session

from click99.annotations.database import Database, sqlite_url
from click99.annotations.masks import Bits, keep
from click99.annotations.saved_masks import MaskFilter, SavedMask
from click99.annotations.tables import AnnotationRow, ClickRow, RegionRow, TaskRow
from click99.dashboard.names import Names
from click99.dashboard.page import read, render
from click99.registry.versions import Version

HEIGHT, WIDTH = 480, 640
PROJECT = "3.1764500000"
LABELS = ("cell", "nucleus", "debris", "a label with a rather long name", "")
VERSIONS = ("compact-1a2b3c4d", "compact-5e6f7a8b", "compact-9c0d1e2f")
BEGUN = datetime(2026, 1, 5, 8, tzinfo=UTC)
AT_ONCE = 2000  # rows of an insert
PICTURE = Path(__file__).parents[1] / "pictures" / "images" / "coffee.jpg"

Rows = dict[type, list[dict[str, Any]]]


def disc(seed: int) -> tuple[np.ndarray, int, int]:
    """bool [H, W], and its centre's column and row."""
    x, y, radius = np.random.default_rng(seed).integers((80, 80, 20), (WIDTH - 80, HEIGHT - 80, 80))
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    return (rows - y) ** 2 + (columns - x) ** 2 < radius**2, int(x), int(y)


def fill(database: Database, masks: int) -> None:
    rng = np.random.default_rng(0)
    with database.writing() as session:
        discs = [(keep(session, Bits.pack(mask)), x, y) for mask, x, y in map(disc, range(200))]
        for first in range(0, masks, AT_ONCE):
            add(session, rng, discs, range(first, min(masks, first + AT_ONCE)), masks)


def add(session: Session, rng: np.random.Generator, discs: list, numbers: range, masks: int) -> None:
    rows: Rows = {TaskRow: [], AnnotationRow: [], RegionRow: [], ClickRow: []}
    for number in numbers:
        share = number / masks
        when = BEGUN + timedelta(days=364 * share, seconds=int(rng.integers(3600)))
        task = {"project": PROJECT, "id": str(number)}
        rows[TaskRow].append(task | {"data": '{"image": "/data/upload/3/a.jpg"}'})
        annotation = {"annotator": str(4 + number % 3), "updated_at": when, "cancelled": False}
        annotation |= {"created_at": when, "lead_time": float(rng.gamma(4, 6 if number % 20 else 15))}
        rows[AnnotationRow].append(task | annotation | {"task": str(number)})
        key, x, y = discs[number % len(discs)]
        label = LABELS[int(rng.choice(5, p=(0.5, 0.25, 0.15, 0.07, 0.03)))]
        region = {"annotation": str(number), "kind": "brushlabels", "label": label, "mask": key}
        origin = "prediction-changed" if rng.random() < 0.1 else "prediction"
        rows[RegionRow].append({"project": PROJECT, "id": f"region-{number}", "origin": origin} | region)
        count = 0 if number % 20 == 0 else 1 + int(rng.poisson(3.5 - 2 * share))
        rows[ClickRow] += clicks(rng, number, label, count, when, key, (x, y), VERSIONS[int(3 * share)])
    for kind, made in rows.items():
        session.execute(insert(kind), made)


def clicks(
    rng: np.random.Generator,
    number: int,
    label: str,
    count: int,
    when: datetime,
    mask: str,
    centre: tuple[int, int],
    version: str,
) -> list[dict[str, Any]]:
    begun = when - timedelta(seconds=60)
    places = np.clip(np.array(centre) + rng.normal(0, 40, (count, 2)), 0, (WIDTH - 1, HEIGHT - 1)).astype(int)
    times = np.cumsum(rng.gamma(3, 0.8, count))
    return [
        {
            "state": f"{number}-{place}",
            "parent": f"{number}-{place - 1}" if place else None,
            "project": PROJECT,
            "task": str(number),
            "region": f"region-{number}",
            "label": label,
            "place": place,
            "click_id": f"{number}-{place}",
            "x": int(x),
            "y": int(y),
            "positive": place % 3 != 1,
            "origin": "click" if place else "nothing",
            "model_version": version,
            "milliseconds": 140.0,
            "asked_at": begun + timedelta(seconds=float(second)),
            "mask": mask,
            "image": "/data/upload/3/a.jpg",
        }
        for place, ((x, y), second) in enumerate(zip(places, times, strict=True))
    ]


def versions() -> list[Version]:
    gate = {"promoted": True, "corrective": [0.62, 0.71], "gain": {"images": 30, "mean": 0.031}}
    gate["collected"] = {"before": {"noc90": 6.2}, "after": {"noc90": 4.1}}
    refused = gate | {"promoted": False, "challenges": True, "gain": {"images": 12, "mean": 0.012}}
    facts = ({}, {"gate": gate}, {"gate": refused})
    made = "2026-05-04T10:00:00+00:00"
    return [Version(name, Path(), None, made, "", fact) for name, fact in zip(VERSIONS, facts, strict=True)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--masks", type=int, default=100_000)
    options.add_argument("--html", type=Path)
    given = options.parse_args()
    picture = np.asarray(Image.open(PICTURE).convert("RGB").resize((WIDTH, HEIGHT)))

    def pictures(_: SavedMask) -> np.ndarray:
        return picture

    with tempfile.TemporaryDirectory() as home:
        database = Database(sqlite_url(Path(home)))
        fill(database, given.masks)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.process_time()
        with database.reading() as session:
            facts = read(session, MaskFilter())
        seconds = time.process_time() - begun
        page = render(facts, versions(), pictures, Names())
        print(
            f"{given.masks} masks: read in {seconds:.1f} s, with the page {time.process_time() - begun:.1f} s"
        )
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"{len(page) / 1024:.0f} KB of page, {more:.0f} MB more memory")
        database.close()
    if given.html:
        given.html.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

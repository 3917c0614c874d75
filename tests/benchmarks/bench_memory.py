"""What remembering accepted masks brings: a served click99 taught by annotation events alone.

    python -m tests.benchmarks.bench_memory --data ../shared/data/more [--most 20] [--sources a,b]

Every source of a manifest is a project: a robot annotates its pictures in order over HTTP, clicks until 0.95
IoU (20 at most), submits, and goes on once the mask has been learnt from. Two servers in this process, one
that remembers the project (CLICK99_MEMORY=project), one that does not (off), taking turns. Counted from the
sixth picture on.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from sqlalchemy import func, select

from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import LessonRow
from click99.segmentation.device import use_threads
from click99.server.settings import Settings
from click99_training.datasets.dataset import SampleDataset
from click99_training.datasets.image_files import SampleError
from click99_training.datasets.manifest import ManifestDataset
from click99_training.datasets.registry import open_dataset
from click99_training.datasets.sample import Sample
from click99_training.learning.robot_annotator import MOST_CLICKS, RobotAnnotator
from tests.benchmarks.bench_record import serving

ACCEPTED = 5  # masks before a picture counts
LEARNT_SECONDS = 30.0


@dataclass
class Side:
    """One of the two servers; ious: after each click, of each picture that counts."""

    url: str
    home: Path
    learns: bool
    ious: list[list[float]] = field(default_factory=list)

    def annotate(self, project: int, task: int, sample: Sample, counts: bool) -> None:
        before = self.lessons()
        ious = RobotAnnotator(self.url, project).annotate(task, sample)
        if counts and ious:
            self.ious.append(ious)
        until = time.monotonic() + LEARNT_SECONDS * (self.learns and bool(ious))
        while time.monotonic() < until and self.lessons() == before:
            time.sleep(0.2)

    def lessons(self) -> int:
        with Database(sqlite_url(self.home)).reading() as session:
            return session.scalar(select(func.count()).select_from(LessonRow)) or 0

    def figures(self) -> tuple[float, float, float, float]:
        """IoU after 1 and 3 clicks, clicks to 0.85 and to 0.90, means of what was annotated since."""
        ious, self.ious = self.ious, []
        after = [np.mean([each[min(k, len(each)) - 1] for each in ious]) for k in (1, 3)]
        clicks = [np.mean([_clicks_to(least, each) for each in ious]) for least in (0.85, 0.9)]
        return tuple(map(float, (*after, *clicks)))  # pyright: ignore[reportReturnType]


def _clicks_to(least: float, ious: Sequence[float]) -> int:
    return next((k for k, each in enumerate(ious, 1) if each >= least), MOST_CLICKS)


@contextmanager
def sides() -> Iterator[tuple[Side, Side]]:
    """Without memory, and with it."""
    with tempfile.TemporaryDirectory() as folder:
        off, on = Path(folder, "off"), Path(folder, "on")
        with (
            serving(Settings(home=off, memory="off")) as plain,
            serving(Settings(home=on, memory="project")) as remembering,
        ):
            yield Side(plain, off, False), Side(remembering, on, True)


def sources(name: str, data: Path, split: str) -> dict[str, Iterator[Sample]]:
    """The pictures of each source that has enough, by name, read when they are asked for."""
    photos = open_dataset(name, data, split)
    if not isinstance(photos, ManifestDataset):
        return {name: _readable(photos, range(len(photos)))}
    places: dict[str, list[int]] = {}
    for place, photo in enumerate(photos.photos):
        places.setdefault(photo.source, []).append(place)
    return {name: _readable(photos, each) for name, each in places.items() if len(each) > ACCEPTED}


def _readable(photos: SampleDataset, places: Iterable[int]) -> Iterator[Sample]:
    for place in places:
        try:
            sample = photos[place]
        except SampleError:
            continue
        if sample.truth.any():
            yield sample


def row(name: str, figures: Sequence[Sequence[float]]) -> str:
    cells = [f"{a:.2f} → {b:.2f}" for a, b in zip(*figures, strict=True)]
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder with manifest.csv")
    parser.add_argument(
        "--dataset", default="manifest", help="the layout of --data; of others all is one project"
    )
    parser.add_argument("--split", default="val")
    parser.add_argument("--most", type=int, default=20, help="pictures of each source")
    parser.add_argument("--sources", default="", help="only these, with commas between")
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    use_threads(asked.threads)
    only = set(filter(None, asked.sources.split(",")))
    print("| source | IoU after 1 click | after 3 | clicks to 85 % | to 90 % |\n|---|---|---|---|---|")
    all_figures = []
    with sides() as both:
        for project, (name, samples) in enumerate(sources(asked.dataset, asked.data, asked.split).items(), 1):
            if only and name not in only:
                continue
            for task, sample in enumerate(islice(samples, asked.most)):
                for side in both:
                    side.annotate(project, 1000 * project + task, sample, task >= ACCEPTED)
            figures = [side.figures() for side in both]
            all_figures.append(figures)
            print(row(name, figures), flush=True)
    print(row("mean", np.mean(all_figures, axis=0).tolist()))


if __name__ == "__main__":
    main()

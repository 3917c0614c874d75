"""What annotators gain where passes of the network wait for each other, and not the work around them.

    python -m tests.benchmarks.bench_turns [--annotators 8] [--think 2] [--seconds 20] [--rounds 3]

Annotators in one process, without HTTP, as many seconds by the one rule and by the other, in turns: "passes"
as click99 serves, "steps" as it did until 30 November 2026, when a click's whole step had the network to
itself. Pictures of 640 × 480 (half of the annotators), 1920 × 1440 and 4000 × 3000, opened before.
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np

from click99.segmentation.clicks import Click
from click99.segmentation.device import use_threads
from click99.segmentation.predictor import Predictor
from click99.sessions import MemoryStore, Sessions
from tests.benchmarks.bench_click import CLICKS, picture

SCALES = (1.0, 3.0, 1.0, 6.25)


class Steps(Sessions):
    """One step at a time, whoever's."""

    step = threading.Lock()

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        with self.step, super()._alone(name):
            yield


def annotate(
    sessions: Sessions, pictures: dict[float, np.ndarray], think: float, until: float, number: int
) -> list[float]:
    """An annotator's milliseconds, click by click."""
    choice, scale, taken = random.Random(number), SCALES[number % len(SCALES)], []
    while time.monotonic() < until:
        moved, name = choice.randrange(100), f"{number} {choice.random()}"
        places = [(round((c.x + moved) * scale), round(c.y * scale), c.positive) for c in CLICKS]
        clicks = [Click(x, y, positive, f"{name} {k}") for k, (x, y, positive) in enumerate(places)]
        for k in range(len(clicks)):
            time.sleep(choice.expovariate(1 / think))
            if time.monotonic() > until:
                break
            begun = time.perf_counter()
            sessions.mask(str(scale), pictures[scale], clicks[: k + 1])
            taken.append(1000 * (time.perf_counter() - begun))
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for option, default in (("annotators", 8), ("seconds", 20), ("rounds", 3), ("threads", 2)):
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--think", type=float, default=2.0, help="seconds before a click, in the mean")
    asked = parser.parse_args()
    use_threads(asked.threads)
    predictor, pictures = Predictor.load(device="cpu"), {scale: picture(scale) for scale in SCALES}
    found: dict[str, list[float]] = {"steps": [], "passes": []}
    with ThreadPoolExecutor(asked.annotators) as pool:
        for number in range(asked.rounds):
            for rule in sorted(found, reverse=number % 2 == 0):
                sessions = (Steps if rule == "steps" else Sessions)(predictor, MemoryStore(2**28, 600))
                for scale, image in pictures.items():
                    sessions.warm(str(scale), image)
                until = time.monotonic() + asked.seconds
                annotator = partial(annotate, sessions, pictures, asked.think, until)
                for taken in pool.map(annotator, range(asked.annotators)):
                    found[rule] += taken
    print("| what waits for another's | clicks | median, ms | 95 % | 99 % |\n|---|---|---|---|---|")
    for rule, taken in found.items():
        cells = " | ".join(f"{np.percentile(taken, each):.0f}" for each in (50, 95, 99))
        print(f"| {rule} | {len(taken)} | {cells} |")


if __name__ == "__main__":
    main()

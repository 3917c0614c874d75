"""How many annotators a server carries: robots that think, click and submit, and whether each mask is right.

    python -m tests.benchmarks.bench_annotators [--annotators 8 16] [--think 2] [--seconds 60] [--workers 2]
    python -m tests.benchmarks.bench_annotators --think 0 --replicas 2
    python -m tests.benchmarks.bench_annotators --annotators 2 --seconds 1800 --checked 0 --replay

One `click99 serve` with the shipped checkpoint, with more workers or with replicas beside a Redis of its own;
pictures of
640 × 480 (half of them), 1920 × 1440 and 4000 × 3000 on hosts of the benchmark's. An annotator opens a task,
clicks on an object three to six times, thinks before each click (exponentially, --think seconds on average),
and takes the next picture. Afterwards the masks of --checked objects are asked for again under other ids: a
replay; with --replay that of each object, at once. What a kept click takes, of which nothing is computed, is
what the way to the server costs and back.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import requests

from tests.benchmarks.bench_click import HEIGHT, WIDTH, hosting, picture
from tests.redis_server import RedisServer
from tests.server.command import serving
from tests.server.requests import WITHOUT_LABELS, body, dot

SCALES = (1, 1, 3, 6.25)  # of 640 × 480
SHARES = (50, 95, 99)  # percentiles that are told


@dataclass(frozen=True)
class Object:
    """What was clicked on a picture, and the mask that came of it, as it was sent."""

    image: str
    clicks: list[dict[str, Any]]
    answer: list[int]


class Annotators:
    """People at one server. Thread-safe."""

    def __init__(
        self, address: str, images: Sequence[tuple[str, tuple[int, int]]], think: float, replay: bool = False
    ):
        """replay: each object, once it is done."""
        self._address, self._images, self._think, self._replay = address, images, think, replay
        self.replayed = self.wrong = 0
        self.milliseconds: list[float] = []
        self.objects: list[Object] = []
        self.errors: list[str] = []
        self._lock = threading.Lock()

    def work(self, people: int, seconds: float, first: int = 0) -> None:
        """All of them, until the time is over. first: the number of the first; the same ones click again
        what they clicked before, and find it kept."""
        self._until = time.monotonic() + seconds
        with ThreadPoolExecutor(people) as pool:
            list(pool.map(self._annotate, range(first, first + people)))

    def _annotate(self, person: int) -> None:
        choice = random.Random(person)
        for number in range(1_000_000):
            if time.monotonic() > self._until:
                return
            image, size = choice.choice(self._images)
            self._one_object(choice, f"{person}-{number}", image, size)

    def _one_object(self, choice: random.Random, name: str, image: str, size: tuple[int, int]) -> None:
        self.ask(name, image, None)
        x, y = (choice.uniform(0.2, 0.8) * side for side in size)
        clicks: list[dict[str, Any]] = []
        answer: list[int] = []
        for k in range(choice.randint(3, 6)):
            time.sleep(choice.expovariate(1 / self._think) if self._think else 0)
            dx, dy = (choice.gauss(0, 0.06 * k) * side for side in size)
            place = (min(max(x + dx, 0), size[0] - 1), min(max(y + dy, 0), size[1] - 1))
            clicks.append(dot(f"{name} {k}", *place, positive=k % 2 == 0, size=size))
            begun, in_time = time.perf_counter(), time.monotonic() < self._until
            answer = self.ask(name, image, clicks)
            if in_time:  # later, fewer and fewer are at work
                self.milliseconds.append(1000 * (time.perf_counter() - begun))
        self.objects.append(Object(image, clicks, answer))
        if self._replay:
            self.check(self.objects[-1])

    def ask(self, task: str, image: str, clicks: list[dict[str, Any]] | None) -> list[int]:
        """The answer's run lengths."""
        request = body(clicks, image, label_config=WITHOUT_LABELS)
        request["tasks"][0]["id"] = task
        reply = requests.post(f"{self._address}/predict", json=request, timeout=300)
        if not reply.ok:
            self.errors.append(reply.text)
            return []
        answered = reply.json()["results"][0]
        return answered["result"][0]["value"]["rle"] if clicks else []

    def kept(self) -> float:
        """Milliseconds of a click that is kept, on the smallest picture; the median of many."""
        smallest, _ = min(self._images, key=lambda image: image[1])
        found = next(one for one in self.objects if one.image == smallest)
        times = []
        for _ in range(100):
            begun = time.perf_counter()
            self.ask(found.clicks[0]["id"].split()[0], found.image, found.clicks)
            times.append(1000 * (time.perf_counter() - begun))
        return float(np.median(times))

    def check(self, found: Object) -> None:
        """Whether a replay under other ids makes the same mask."""
        renamed = [click | {"id": f"again {click['id']}"} for click in found.clicks]
        wrong = self.ask(f"again {found.clicks[0]['id']}", found.image, renamed) != found.answer
        with self._lock:
            self.replayed, self.wrong = self.replayed + 1, self.wrong + wrong


@contextmanager
def pictures() -> Iterator[list[tuple[str, tuple[int, int]]]]:
    """Addresses and sizes."""
    with ExitStack() as stack:
        hosts = [stack.enter_context(hosting(picture(scale))) for scale in SCALES]
        sizes = [(round(scale * WIDTH), round(scale * HEIGHT)) for scale in SCALES]
        yield [(f"http://{host}/picture.png", size) for host, size in zip(hosts, sizes, strict=True)]


def row(people: int, annotators: Annotators, seconds: float, checked: int) -> str:
    times = np.array(annotators.milliseconds)
    told = " | ".join(f"{value:.0f}" for value in np.percentile(times, SHARES))
    rate = len(times) / seconds
    for found in random.Random(0).sample(annotators.objects, min(checked, len(annotators.objects))):
        annotators.check(found)
    done, judged = len(annotators.objects), f"{annotators.wrong} of {annotators.replayed}"
    kept = f"{annotators.kept():.1f}"
    return f"| {people} | {rate:.1f} | {told} | {kept} | {done} | {len(annotators.errors)} | {judged} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--annotators", type=int, nargs="+", default=[8])
    parser.add_argument("--think", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--replicas", type=int, default=0)
    parser.add_argument("--checked", type=int, default=20)
    parser.add_argument("--replay", action="store_true")
    asked = parser.parse_args()
    print("| annotators | clicks a second | " + " | ".join(f"{each} %" for each in SHARES), end="")
    print(
        " ms | kept click, ms | objects | errors | masks that a replay makes otherwise |\n" + "|---" * 9 + "|"
    )
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        images = stack.enter_context(pictures())
        options = ["--allowed-hosts", ",".join(address.split("/")[2] for address, _ in images)]
        processes = max(asked.workers, asked.replicas)
        options += ["--threads", str(max(1, (os.cpu_count() or 1) // processes))]
        if processes > 1 or asked.replicas:
            redis = stack.enter_context(RedisServer(home))
            options += ["--redis-url", redis.url]
            options += (
                ["--replicas", str(asked.replicas)] if asked.replicas else ["--workers", str(asked.workers)]
            )
        address = stack.enter_context(serving(home, *options))
        for people in asked.annotators:
            annotators = Annotators(address, images, asked.think, asked.replay)
            annotators.work(people, asked.seconds)
            print(row(people, annotators, asked.seconds, asked.checked), flush=True)


if __name__ == "__main__":
    main()

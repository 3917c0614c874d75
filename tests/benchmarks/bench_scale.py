"""What grows with annotators, and what a simulation makes of it, held against a real run.

    python -m tests.benchmarks.bench_scale [--annotators 20] [--think 8] [--seconds 30]

One `click99 serve` on all cores with the shipped checkpoint and a Redis. One annotator gives the service
times; a few who never think, how many clicks the machine answers at most, their own program included; so many
who think click for real. All take turns, --rounds times, so that other work on the machine meets all. Then
the same is simulated (`annotator_simulation.py`), and larger teams. docs/explanation/scale.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import requests

from tests.benchmarks.annotator_simulation import Click, Machine, machines_for, simulate
from tests.benchmarks.bench_annotators import Annotators, pictures
from tests.benchmarks.bench_click import HEIGHT, WIDTH, hosting, picture
from tests.redis_server import RedisServer
from tests.server.command import serving
from tests.server.requests import WITHOUT_LABELS, body, dot

MEGAPIXELS = {1: 1.826, 12: 6.25}  # by how much 640 × 480 is scaled
TEAMS = (10, 300, 10_000)
CLICKS = 4.5  # of an object, as the robots make them
BOUND = 1.5  # seconds that 95 % of the clicks may take
PAUSE = 0.5  # seconds in which one who is alone has nothing of the click before under way
CROWD = 6  # who never think


def traffic(address: str, hosts: dict[int, str]) -> list[str]:
    """Bytes of a third click and of its answer, and of the picture that is fetched once."""
    rows = []
    for megapixels, scale in MEGAPIXELS.items():
        width, height = round(scale * WIDTH), round(scale * HEIGHT)
        clicks = [
            dot(f"{megapixels} {k}", width / 2 + 9 * k, height / 2, size=(width, height)) for k in range(3)
        ]
        image = f"http://{hosts[megapixels]}/picture.png"
        request = body(clicks, image, label_config=WITHOUT_LABELS)
        reply = requests.post(f"{address}/predict", json=request, timeout=120)
        fetched = len(requests.get(image, timeout=60).content)
        rows.append(f"| {megapixels} MP | {len(json.dumps(request))} | {len(reply.content)} | {fetched} |")
    return rows


def split(milliseconds: Sequence[float], lines: Sequence[str]) -> list[tuple[float, float]]:
    """The clicks' seconds in the network, as the log's lines tell them, and beside it."""
    network = [
        sum(float(each) for each in re.findall(r" (?:image|click)_ms=(\S+)", line)) / 1000 for line in lines
    ]
    return [(own, max(0.0, ms / 1000 - own)) for own, ms in zip(network, milliseconds, strict=False)]


def logged(home: Path) -> list[str]:
    """The log's lines of clicks."""
    return [line for line in (home / "click99.log").read_text().splitlines() if ": click " in line]


def memory(redis: RedisServer, home: Path) -> np.ndarray:
    """Bytes in Redis and in the record."""
    return np.array([redis.client.info("memory")["used_memory"], size(home)], float)


def team(people: int, clicks: Sequence[Click], think: float, machine: Machine) -> str:
    machines = machines_for(people, clicks, think, machine, BOUND)
    waiting = simulate(people, machines, clicks, think, machine, 60)
    masks_an_hour = 3600 * waiting.clicks_per_second / CLICKS
    hours = 1000 * machines / masks_an_hour
    told = f"{waiting.clicks_per_second:.1f} | {waiting.percentile(50):.2f} | {waiting.percentile(95):.2f}"
    return f"| {people} | {machines} | {told} | {hours:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--annotators", type=int, default=20)
    parser.add_argument("--think", type=float, default=8.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        images = stack.enter_context(pictures())
        hosts = {each: stack.enter_context(hosting(picture(scale))) for each, scale in MEGAPIXELS.items()}
        redis = stack.enter_context(RedisServer(home))
        allowed = ",".join([address.split("/")[2] for address, _ in images] + [*hosts.values()])
        cores = os.cpu_count() or 1
        options = ["--allowed-hosts", allowed, "--redis-url", redis.url, "--threads", str(cores)]
        address = stack.enter_context(serving(home, *options))

        print("| picture | request, bytes | answer, bytes | picture, bytes |\n|---|---|---|---|")
        print(*traffic(address, hosts), sep="\n", flush=True)

        alone, crowd, together = (Annotators(address, images, each) for each in (PAUSE, 0, asked.think))
        service: list[tuple[float, float]] = []
        grown = np.zeros(2)
        for round_ in range(asked.rounds):
            before, known, lines = memory(redis, home), len(alone.milliseconds), len(logged(home))
            alone.work(1, asked.seconds / 2, 10_000 + round_)
            grown += memory(redis, home) - before
            service += split(alone.milliseconds[known:], logged(home)[lines:])
            crowd.work(CROWD, asked.seconds / 2, 20_000 + round_ * CROWD)
            together.work(asked.annotators, asked.seconds, round_ * asked.annotators)
        network, rest = np.mean(service, axis=0)
        most = len(crowd.milliseconds) / (asked.rounds * asked.seconds / 2)
        print(f"alone: {len(service)} clicks, {network:.3f} s in the network, {rest:.3f} s beside it")
        print(f"without a rest: {most:.2f} clicks a second")
        print(f"Redis: {grown[0] / len(alone.objects) / 1000:.0f} kB an object")
        print(f"record: {grown[1] / len(service) / 1000:.2f} kB a click")

        measured = np.percentile(together.milliseconds, [50, 95]) / 1000
        rate = len(together.milliseconds) / (asked.rounds * asked.seconds)
        clicks = [Click(own, beside) for own, beside in service]
        machine = Machine.that_answers(clicks, most)
        predicted = simulate(asked.annotators, 1, clicks, asked.think, machine)
        print("| | clicks a second | 50 %, s | 95 %, s |\n|---|---|---|---|")
        told = f"{predicted.percentile(50):.2f} | {predicted.percentile(95):.2f}"
        print(f"| predicted | {predicted.clicks_per_second:.2f} | {told} |")
        print(f"| measured | {rate:.2f} | {measured[0]:.2f} | {measured[1]:.2f} |", flush=True)
    print("| annotators | machines | clicks a second | 50 %, s | 95 %, s | machine hours a thousand masks |")
    print("|---" * 6 + "|")
    for people in TEAMS:
        print(team(people, clicks, asked.think, machine), flush=True)


def size(home: Path) -> int:
    """Bytes of the record, without the log ahead of it."""
    with closing(sqlite3.connect(home / "click99.db")) as record:
        ((pages,),) = record.execute("PRAGMA page_count")
        ((page,),) = record.execute("PRAGMA page_size")
    return pages * page


if __name__ == "__main__":
    main()

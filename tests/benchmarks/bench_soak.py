"""A server's memory over ten thousand clicks on five hundred pictures, and whether its masks are right.

    python -m tests.benchmarks.bench_soak [--pictures 500] [--passes 2] [--engine eager] [--stand-in]
    python -m tests.benchmarks.bench_soak --small [--stand-in]

One `click99 serve` with the shipped checkpoint, or with --stand-in a process like it whose network paints
discs, for what is not the network. A robot goes through all pictures twice: 320 × 240, every
fifth 2000 × 1500, so that pictures and masks fill what they may keep. At each visit it opens the task, clicks
ten times on an object beside those that it accepted before, and submits, which an event tells of. After
each thousand clicks the process' resident memory is read; the slope is that of a line through the second
half. With --small all pictures are 320 × 240 and all that may be kept is a sixteenth (CLICK99_STATE_MB,
CLICK99_CACHE_MB), so that it is full before that half: what still rises then has no bound. In the end some
objects are clicked again under other ids: a replay.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import requests
import uvicorn

from click99.demo.programs import free_port
from click99.server.app import create_app
from click99.server.logs import start_logging
from click99.server.serve import UVICORN, bound_arenas
from click99.server.settings import Settings
from tests.annotations.examples import saved
from tests.benchmarks.bench_click import HEIGHT, WIDTH, picture
from tests.disc_painter import DiscPainter
from tests.server.command import running
from tests.server.requests import body, keypoint

SMALL, LARGE = 0.5, 3.125  # of 640 × 480
EVERY = 5  # one picture of so many is large
BOUNDS = {"CLICK99_STATE_MB": "16", "CLICK99_CACHE_MB": "64"}  # with --small: a sixteenth of the defaults
SAMPLED = 100  # clicks between two looks at the memory
TOLD = 1000


def scale_of(number: int, small: bool) -> float:
    return SMALL if small or number % EVERY else LARGE


@contextmanager
def hosting_numbers(small: bool) -> Iterator[str]:
    """host:port of a server whose /7.jpg is picture 7, like no other."""
    clean = {scale: picture(scale) for scale in (SMALL, LARGE)}

    class Picture(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = int(re.sub(r"\D", "", self.path))
            pixels = np.roll(clean[scale_of(number, small)], (3 * number, 5 * number), (0, 1))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(cv2.imencode(".jpg", pixels[..., ::-1])[1].tobytes())

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Picture)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


class Visit(NamedTuple):
    """The last request about an object, and the run lengths that it was answered with."""

    request: dict[str, Any]
    answer: list[int]


class Soak:
    """A robot at a server. megabytes: (clicks, resident memory)."""

    def __init__(self, address: str, host: str, pid: int, clicks: int, small: bool):
        self._address, self._host, self._clicks, self._small = address, host, clicks, small
        self._status = Path(f"/proc/{pid}/status")
        self.milliseconds: list[float] = []
        self.megabytes: list[tuple[int, float]] = []
        self.errors: list[str] = []
        self.visits: list[Visit] = []
        self._accepted: dict[int, list[dict[str, Any]]] = {}

    def visit(self, number: int) -> None:
        """Open a task, click on an object, submit."""
        accepted = self._accepted.setdefault(number, [])
        clicks = list(self._places(number, len(accepted)))
        self._ask(request := self._request(number, None))
        region = None
        for k in range(1, len(clicks) + 1):
            begun = time.perf_counter()
            region = self._ask(request := self._request(number, clicks[:k]))
            self.milliseconds.append(1000 * (time.perf_counter() - begun))
            if len(self.milliseconds) % SAMPLED == 0:
                self.megabytes.append((len(self.milliseconds), self.memory("VmRSS")))
        if region:
            self.visits.append(Visit(request, region["value"]["rle"]))
            accepted.append(region)
            self._tell(number, accepted)

    def wrong(self, checked: int) -> int:
        """Of so many objects, how many masks a replay under other ids makes otherwise."""
        wrong = 0
        for request, answer in random.Random(0).sample(self.visits, min(checked, len(self.visits))):
            clicks = request["params"]["context"]["result"]
            renamed = [click | {"id": f"again {click['id']}"} for click in clicks]
            region = self._ask(request | {"params": {"context": {"result": renamed}}})
            wrong += region is None or region["value"]["rle"] != answer
        return wrong

    def memory(self, name: str) -> float:
        """MB: VmRSS, or VmHWM, the most that it was."""
        found = re.search(rf"{name}:\s+(\d+) kB", self._status.read_text())
        assert found
        return int(found[1]) / 1024

    def _places(self, number: int, objects: int) -> Iterator[dict[str, Any]]:
        choice = random.Random(1000 * number + objects)
        scale = scale_of(number, self._small)
        size = round(scale * WIDTH), round(scale * HEIGHT)
        first = [choice.uniform(0.2, 0.8) * side for side in size]
        for k in range(self._clicks):
            x, y = (at + choice.gauss(0, 0.05 * k) * side for at, side in zip(first, size, strict=True))
            x, y = min(max(x, 0), size[0] - 1), min(max(y, 0), size[1] - 1)
            yield keypoint(f"{number} {objects} {k}", x, y, positive=k % 2 == 0, size=size)

    def _request(self, number: int, clicks: list[dict[str, Any]] | None) -> dict[str, Any]:
        request = body(clicks, f"http://{self._host}/{number}.jpg")
        annotation = {"id": number, "result": list(self._accepted[number])}
        request["tasks"][0] |= {"id": number, "annotations": [annotation]}
        return request

    def _ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The region of the answer; None: of the opening, and of an error, which is noted."""
        reply = requests.post(f"{self._address}/predict", json=request, timeout=120)
        if not reply.ok:
            self.errors.append(reply.text)
        elif request["params"]["context"]["result"] if request["params"]["context"] else None:
            return next(iter(reply.json()["results"][0]["result"]), None)

    def _tell(self, number: int, accepted: list[dict[str, Any]]) -> None:
        event = saved(*accepted, number=number, minute=len(accepted))
        reply = requests.post(f"{self._address}/webhook", data=event, timeout=120)
        if not reply.ok:
            self.errors.append(reply.text)


def slope(megabytes: list[tuple[int, float]]) -> float:
    """MB per thousand clicks, over the second half; not a number when that was looked at less than twice."""
    half = megabytes[len(megabytes) // 2 :]
    if len(half) < 2:
        return float("nan")
    clicks, resident = zip(*half, strict=True)
    return 1000 * float(np.polyfit(clicks, resident, 1)[0])


def forgetful() -> DiscPainter:
    """A painter that does not keep, for tests, what it was asked: that would be 2 MB for 1,000 clicks."""
    painter = DiscPainter()
    for name in ("steps", "priors", "prepared"):
        setattr(painter, name, deque(maxlen=0))
    return painter


def stand_in() -> None:
    """`click99 serve`, as far as this needs it, with a network that paints discs. Called in a new process."""
    port, home, host = sys.argv[1:]
    bound_arenas()
    start_logging("text")
    settings = Settings(home=Path(home), allowed_hosts=host, memory="picture")
    uvicorn.run(create_app(settings, forgetful()), port=int(port), **UVICORN)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--clicks", type=int, default=10)
    parser.add_argument("--engine", default="eager")
    parser.add_argument("--stand-in", action="store_true")
    parser.add_argument("--small", action="store_true", help="pictures, and what is kept")
    parser.add_argument("--checked", type=int, default=100)
    asked = parser.parse_args()
    os.environ |= BOUNDS if asked.small else {}
    port = free_port(0)
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as home, hosting_numbers(asked.small) as host:
        options = ["--memory", "picture", "--engine", asked.engine, "--home", home, "--allowed-hosts", host]
        command = [sys.executable, "-m", "click99.cli", "serve", "--port", str(port), *options]
        if asked.stand_in:
            started = "from tests.benchmarks.bench_soak import stand_in; stand_in()"
            command = [sys.executable, "-c", started, str(port), home, host]
        with running(command, address, Path(home, "log")) as process:
            soak = Soak(address, host, process.pid, asked.clicks, asked.small)
            told = 0
            print("| clicks | resident memory, MB |\n|---|---|")
            for number in (n for _ in range(asked.passes) for n in range(asked.pictures)):
                soak.visit(number)
                if soak.megabytes and soak.megabytes[-1][0] >= told + TOLD:
                    told = soak.megabytes[-1][0]
                    print(f"| {told} | {soak.megabytes[-1][1]:.0f} |", flush=True)
            middle, most = np.percentile(soak.milliseconds, (50, 95))
            print(f"\npeak {soak.memory('VmHWM'):.0f} MB; {slope(soak.megabytes):+.1f} MB per 1,000 clicks")
            print(f"{len(soak.milliseconds)} clicks, median {middle:.0f} ms, 95 % {most:.0f} ms")
            checked = min(asked.checked, len(soak.visits))
            print(f"{len(soak.errors)} errors; {soak.wrong(asked.checked)} of {checked} masks wrong")
            print("\n".join(sorted(set(soak.errors))[:5]))


if __name__ == "__main__":
    main()

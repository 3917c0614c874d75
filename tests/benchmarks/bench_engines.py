"""How long a click takes with each engine, from request to reply, idle and beside another program.

    python -m tests.benchmarks.bench_engines [--threads 2] [--objects 8]

Starts a `click99 serve` for each engine and clicks on a picture of an ellipse, six clicks an object, as
`bench_click.py` does. The servers take turns click by click, now the one first, now the other, so that other
work on the machine meets both. The other program convolves on as many threads as a server.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

import numpy as np
import requests

from click99.labelstudio.pixels import read_pixels
from click99.segmentation.clicks import Click
from click99.segmentation.engine import conversions
from tests.benchmarks.bench_click import CLICKS, click_ms, hosting, picture, request, serving

PAUSE = 0.1  # seconds before each click, in which the record of the one before is written
SCALES = {"640 × 480": 1.0, "4000 × 3000": 6.25}
WORK = """
import sys, torch
torch.set_num_threads(int(sys.argv[1]))
x, weights = torch.rand(1, 32, 256, 256), torch.rand(32, 32, 3, 3)
while True:
    torch.conv2d(x, weights, padding=1)
"""


@contextmanager
def busy(threads: int) -> Iterator[None]:
    work = subprocess.Popen([sys.executable, "-c", WORK, str(threads)])
    try:
        yield
    finally:
        work.kill()
        work.wait()


def measure(
    servers: dict[str, HTTPConnection], url: str, scale: float, objects: int, name: str
) -> dict[str, np.ndarray]:
    """Milliseconds of each engine, [objects, 6]; an object before them warms up."""
    times: dict[str, list[float]] = {engine: [] for engine in servers}
    for number in range(objects + 1):
        clicks = [
            Click(click.x + 4 * number, click.y, click.positive) for click in CLICKS
        ]  # windows not seen yet
        for k in range(len(CLICKS)):
            body = request(url, clicks[: k + 1], f"{name} {number}", scale)
            for engine in sorted(servers, reverse=(k + number) % 2 == 0):
                time.sleep(PAUSE)
                times[engine].append(click_ms(servers[engine], body))
    return {engine: np.reshape(each, (-1, len(CLICKS)))[1:] for engine, each in times.items()}


def measure_unopened(server: HTTPConnection, host: str, scale: float, objects: int) -> np.ndarray:
    """Milliseconds of first clicks on pictures that were not opened before, on one that was, and of decoding
    such a file: [objects, 3]; the first of each warms up."""
    file, times = requests.get(f"http://{host}/decoded.jpg", timeout=60).content, []
    for number in range(objects + 1):
        click = [Click(CLICKS[0].x + 4 * number, CLICKS[0].y, True)]
        taken = []
        for name in (f"unopened {number}", "opened"):
            time.sleep(PAUSE)
            asked = request(f"http://{host}/{name.replace(' ', '-')}.jpg", click, f"{name} {number}", scale)
            taken.append(click_ms(server, asked))
        time.sleep(PAUSE)
        begun = time.perf_counter()
        read_pixels(file, "a picture", 10**8)
        times.append([*taken, 1000 * (time.perf_counter() - begun)])
    return np.array(times)[1:]


def tell_unopened(engines: list[str], threads: int, objects: int) -> None:
    """The table of first clicks on pictures that were not opened before."""
    heads = "not opened before, ms | opened before, ms | decoding alone, ms | without decoding, times as long"
    print(f"\n| picture | engine | {heads} |")
    print("|---" * 6 + "|")
    for name, scale in SCALES.items():
        with hosting(picture(scale), ".jpg") as host:
            for engine in engines:
                with serving(threads, None, host, engine) as server:
                    a, b, c = np.median(measure_unopened(server, host, scale, objects), axis=0)
                cells = (name, engine, f"{a:.0f}", f"{b:.0f}", f"{c:.0f}", f"{(a - c) / b:.2f}")
                print("| " + " | ".join(cells) + " |", flush=True)


def row(picture: str, load: str, clicks: str, times: list[np.ndarray]) -> str:
    cells = [f"{np.median(each):.0f} / {np.percentile(each, 95):.0f}" for each in times]
    ratios = [f"{np.median(each) / np.median(times[0]):.2f}" for each in times[1:]]
    return " | ".join(["", picture, load, clicks, *cells, *ratios, ""]).strip()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--objects", type=int, default=8)
    parser.add_argument("--unopened", action="store_true", help="only the pictures that were not opened")
    options = parser.parse_args()
    engines = ["eager", *conversions()]
    if not options.unopened:
        tell_opened(engines, options)
    tell_unopened(engines, options.threads, options.objects)


def tell_opened(engines: list[str], options: argparse.Namespace) -> None:
    """The table of first and later clicks on pictures that were opened before."""
    heads = [f"{engine}, ms" for engine in engines] + [f"{engine} : eager" for engine in engines[1:]]
    print(f"| picture | | click | {' | '.join(heads)} |")
    print("|---" * (3 + len(heads)) + "|")
    for name, scale in SCALES.items():
        with ExitStack() as stack:
            host = stack.enter_context(hosting(picture(scale)))
            servers = {
                engine: stack.enter_context(serving(options.threads, None, host, engine))
                for engine in engines
            }
            url = f"http://{host}/picture.png"
            for load in ("idle", "beside"):
                if load == "beside":
                    stack.enter_context(busy(options.threads))
                times = measure(servers, url, scale, options.objects, load)
                for clicks, part in (("first", np.s_[:, 0]), ("later", np.s_[:, 1:])):
                    print(row(name, load, clicks, [times[engine][part] for engine in engines]), flush=True)


if __name__ == "__main__":
    main()

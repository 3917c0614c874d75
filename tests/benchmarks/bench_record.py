"""What the record costs: clicks with and without it, and events against /health, taking turns.

    python -m tests.benchmarks.bench_record [--objects 12] [--events 200] [--url postgresql://…]

One `click99 serve` in this process with the shipped checkpoint, asked over HTTP, each request on a connection
of its own as Label Studio's are. An object is six clicks on a 640 × 480 picture; every second object is not
recorded. An event holds such a mask, and no two are alike. Other work on the machine meets both sides.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import requests
import uvicorn

from click99.annotations.recorder import Recorder
from click99.server.app import create_app
from click99.server.settings import Settings
from tests.annotations.examples import brush_item, saved
from tests.benchmarks.bench_click import CLICKS, CONFIG, HEIGHT, WIDTH, hosting, picture

PAUSE = 0.1  # seconds between requests: the annotators of a busy project


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def milliseconds(call: Callable[[], requests.Response]) -> float:
    begun = time.perf_counter()
    reply = call()
    took = 1000 * (time.perf_counter() - begun)
    assert reply.status_code == 200, reply.text
    return took


def click(url: str, image: str, name: str, count: int) -> float:
    """The object's click of that number."""
    items = [
        {
            "id": f"{name}-{place}",
            "type": "keypointlabels",
            "from_name": "kp",
            "to_name": "image",
            "is_positive": click.positive,
            "value": {"x": 100 * click.x / WIDTH, "y": 100 * click.y / HEIGHT, "keypointlabels": ["a"]},
        }
        for place, click in enumerate(CLICKS[:count])
    ]
    task = {"id": name, "data": {"image": image}}
    body = {"tasks": [task], "label_config": CONFIG, "params": {"context": {"result": items}}}
    return milliseconds(lambda: requests.post(f"{url}/predict", json=body, timeout=60))


def event(url: str, number: int) -> float:
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    mask = (rows - 240) ** 2 + (columns - 320) ** 2 < (60 + number % 100) ** 2
    sizes = {"original_height": HEIGHT, "original_width": WIDTH}
    body = saved(brush_item("object", mask, **sizes), number=number)
    return milliseconds(lambda: requests.post(f"{url}/webhook", data=body, timeout=60))


def show(name: str, times: list[float]) -> None:
    median, late = np.percentile(times, [50, 95])
    print(f"{name:28} median {median:7.2f} ms   95th percentile {late:7.2f} ms   of {len(times)}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--objects", type=int, default=12)
    options.add_argument("--events", type=int, default=200)
    options.add_argument("--url", default="")
    given = options.parse_args()
    times: dict[str, list[float]] = {"recorded": [], "not recorded": [], "/webhook": [], "/health": []}
    with tempfile.TemporaryDirectory() as home, hosting(picture()) as host:
        settings = Settings(home=Path(home), allowed_hosts=host, database_url=given.url, sync_minutes=0)
        with serving(settings) as url:
            record, image = Recorder.click, f"http://{host}/picture.png"
            click(url, image, "warm", 1)
            for number in range(given.objects):
                kind = ("recorded", "not recorded")[number % 2]
                setattr(Recorder, "click", record if number % 2 == 0 else nothing)  # noqa: B010
                for count in range(len(CLICKS)):
                    times[kind].append(click(url, image, f"o{number}", count + 1))
                    time.sleep(PAUSE)
            for number in range(given.events):
                times["/webhook"].append(event(url, number))
                times["/health"].append(milliseconds(lambda: requests.get(f"{url}/health", timeout=60)))
                time.sleep(PAUSE)
    for name, kind in times.items():
        show(name, kind)
    print(json.dumps({name: round(float(np.median(kind)), 2) for name, kind in times.items()}))


def nothing(*_: Any) -> None:
    """Instead of the record."""


if __name__ == "__main__":
    main()

"""People who click on many objects at once, whose masks are those of one process or are wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import requests
from fastapi.testclient import TestClient

from click99.server.app import create_app
from click99.server.settings import Settings
from tests.server.requests import HEIGHT, WIDTH, body, encoded, keypoint

IMAGES, CLICKS, AT_ONCE = 4, 3, 5


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def hosting_images(folder: Path) -> Iterator[list[str]]:
    """Addresses of small pictures on a server of their own."""
    for k in range(IMAGES):
        (folder / f"{k}.png").write_bytes(encoded(WIDTH + k, HEIGHT))
    with hosting(folder) as address:
        yield [f"{address}/{k}.png" for k in range(IMAGES)]


@contextmanager
def hosting(folder: Path) -> Iterator[str]:
    """The address of a server that gives what is in the folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def request_for(number: int, clicks: int, images: Sequence[str]) -> dict[str, Any]:
    """The first `clicks` clicks on object `number`."""
    k = number % IMAGES
    places = [((number * 7 + 13 * c) % WIDTH, (number * 5 + 9 * c) % HEIGHT) for c in range(clicks)]
    made = [
        keypoint(f"{number}-{c}", x, y, positive=c != 1, size=(WIDTH + k, HEIGHT))
        for c, (x, y) in enumerate(places)
    ]
    request = body(made, images[k])
    request["tasks"][0]["id"] = number
    return request


class Clicking:
    """People at a server until the context ends; each clicks on several objects in turns."""

    def __init__(self, address: str, images: Sequence[str], people: int = 4, first: int = 0, rest: float = 0):
        """first: the number of the first object; another for each context, or it is known already. rest:
        seconds after each click: what waits for other things makes thousands without."""
        self._address, self._images, self._people, self._rest = address, images, people, rest
        self._numbers, self._stop = count(first, AT_ONCE), threading.Event()
        self.answers: dict[tuple[int, int], dict[str, Any]] = {}
        """By object and number of clicks."""

    def __enter__(self) -> Clicking:
        self._pool = ThreadPoolExecutor(self._people)
        self._all = [self._pool.submit(self._click) for _ in range(self._people)]
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        for one in self._all:
            one.result(120)
        self._pool.shutdown()

    def _click(self) -> None:
        while not self._stop.is_set():
            first = next(self._numbers)
            for clicks in range(1, CLICKS + 1):
                for number in range(first, first + AT_ONCE):
                    self.answers[number, clicks] = self._ask(number, clicks)
                    self._stop.wait(self._rest)

    def _ask(self, number: int, clicks: int) -> dict[str, Any]:
        request = request_for(number, clicks, self._images)
        reply = requests.post(f"{self._address}/predict", json=request, timeout=120)
        assert reply.status_code == 200, reply.text
        (answer,) = reply.json()["results"]
        return answer

    def mixed(self) -> list[int]:
        """The objects whose clicks were answered by several versions."""
        versions: dict[int, set[str]] = {}
        for (number, _), answer in self.answers.items():
            versions.setdefault(number, set()).add(answer["model_version"])
        return [number for number, found in versions.items() if len(found) > 1]

    def check(self, home: Path, models: dict[str, Path], hosts: str) -> set[str]:
        """Ask all of it again of a process for each version, in order; what differs is wrong -> the versions
        that answered. models: checkpoints by version. hosts: of the images."""
        versions = {answer["model_version"] for answer in self.answers.values()}
        for version in versions:
            settings = Settings(home=home, model=models[version], allowed_hosts=hosts, threads=1)
            with TestClient(create_app(settings)) as alone:
                for (number, clicks), answer in sorted(self.answers.items()):
                    if answer["model_version"] == version:
                        reply = alone.post("/predict", json=request_for(number, clicks, self._images))
                        assert reply.json()["results"] == [answer], (number, clicks)
        return versions

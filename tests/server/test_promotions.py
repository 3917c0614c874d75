"""A server follows the registry's pointer: forth, back, past what is broken, and under load."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi.testclient import TestClient

from click99.labelstudio.payloads import PredictRequest
from click99.registry.versions import Registry
from click99.server.app import create_app
from click99.server.promotions import RETRY_SECONDS
from click99.server.settings import Settings
from tests.redis_server import RedisServer
from tests.server.command import serving
from tests.server.followed_registry import CLICKS, Running
from tests.server.requests import body, keypoint
from tests.waiting import until

pytestmark = pytest.mark.slow("promotes networks beside a server")


def test_it_goes_forth_and_back_and_open_objects_stay(tmp_path: Path, registry: Registry, names: list[str]):
    running = Running(tmp_path)
    assert running.click(2)["model_version"] == names[0]
    registry.promote(names[1], "better")
    running.follower.look()
    assert running.service.version == names[1]
    assert running.click(3)["model_version"] == names[0]
    assert running.counted(f'click99_model_served{{version="{names[1]}"}}') == 1
    assert running.counted(f'click99_model_served{{version="{names[0]}"}}') == 0
    registry.rollback()
    running.follower.look()
    assert running.service.version == names[0]


def test_each_project_is_answered_by_its_line(tmp_path: Path, registry: Registry, names: list[str]):
    registry.of_line("7").promote(names[1], "better", by="gate")

    def version(running: Running, project: str, click: str) -> str:
        request = PredictRequest.model_validate(body([keypoint(click, 20, 20)], project=project))
        return running.service.predict(request).results[0].model_version  # pyright: ignore

    running = Running(tmp_path)
    with running.follower:
        assert version(running, "7.17", "a") == names[1], "from the first click on"
        assert version(running, "3.17", "b") == names[0] == running.service.version
        assert running.counted(f'click99_model_served{{version="{names[1]}"}}') == 1
        assert running.counted(f'click99_model_served{{version="{names[0]}"}}') == 1
        registry.of_line("7").rollback()
        until(lambda: running.service.version_of("7") == names[0])
    assert version(running, "7.17", "c") == names[0]
    assert running.counted(f'click99_model_served{{version="{names[0]}"}}') == 1
    together = Running(tmp_path / "other", lines="all")
    together.service.use(running.service.refiner, "7")
    assert together.service.versions.version_of("7.17") == together.service.version


def test_a_line_s_broken_version_is_refused_and_others_go_on(
    tmp_path: Path, registry: Registry, names: list[str], caplog: pytest.LogCaptureFixture
):
    running = Running(tmp_path)
    registry.of_line("7").promote(names[1], "better")
    registry.get(names[1]).path.write_bytes(b"damaged")
    running.follower.look()
    assert "Refused" in caplog.text
    assert running.service.version_of("7") == names[0]


def test_the_log_says_why(
    tmp_path: Path, registry: Registry, names: list[str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "click99.server.promotions")
    running = Running(tmp_path)
    registry.add_facts(names[1], page="bought.html")
    registry.promote(names[1], "better", by="gate")
    running.follower.look()
    assert "What it bought: bought.html" in caplog.text
    registry.take_back(registry.pointer(), "rolled back: it is worse")
    running.follower.look()
    (told,) = [record for record in caplog.records if "rolled back: it is worse" in record.getMessage()]
    assert (told.levelname, running.service.version) == ("WARNING", registry.chosen().name)


def test_masks_after_a_swap_are_those_of_a_server_that_started_with_it(
    tmp_path: Path, registry: Registry, names: list[str]
):
    running = Running(tmp_path)
    running.click(1)
    registry.promote(names[1], "better")
    running.follower.look()
    another = PredictRequest.model_validate(body([keypoint("z", 30, 30)]))
    fresh = Running(tmp_path).service
    assert running.service.predict(another).results == fresh.predict(another).results
    assert fresh.version == names[1]


@pytest.mark.parametrize("damage", ["changed", "deleted"])
def test_a_broken_version_is_refused_and_tried_again_later(
    tmp_path: Path, registry: Registry, names: list[str], damage: str, caplog: pytest.LogCaptureFixture
):
    running = Running(tmp_path)
    registry.promote(names[1], "better")
    broken = registry.get(names[1]).path
    content = broken.read_bytes()
    broken.write_bytes(content[:-1] + b"?") if damage == "changed" else broken.unlink()
    for running.now in range(50):
        running.follower.look()
    assert running.click(1)["model_version"] == running.service.version == names[0]
    assert running.counted("click99_model_refusals_total") == 1, "not at every look"
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert names[1] in told
    assert told.endswith(f"{names[0]} goes on")
    broken.write_bytes(content)
    running.now = 1 + RETRY_SECONDS
    running.follower.look()
    assert running.service.version == names[1]


def test_a_pointer_that_cannot_be_read_is_refused(tmp_path: Path, registry: Registry, names: list[str]):
    running = Running(tmp_path)
    (registry.folder / "served.json").write_text("{")
    running.follower.look()
    assert running.service.version == names[0]
    assert running.counted("click99_model_refusals_total") == 1


def test_a_server_pinned_to_a_checkpoint_follows_nothing(
    tmp_path: Path, registry: Registry, checkpoints: list[Path], names: list[str], caplog: Any
):
    caplog.set_level("INFO")
    pinned = tmp_path / "other name.safetensors"
    pinned.write_bytes(checkpoints[1].read_bytes())
    settings = Settings(home=tmp_path, model=pinned)
    app = create_app(settings)
    assert app.state.service.version == names[1], "the registry's name for these weights"
    with TestClient(app):
        assert "follow" not in {thread.name for thread in threading.enumerate()}
    assert f"Pinned to {pinned}: promotions are not followed" in caplog.text


def test_what_label_studio_is_told_follows(tmp_path: Path, registry: Registry, names: list[str]):
    settings = Settings(home=tmp_path)
    with TestClient(create_app(settings)) as server:
        registry.promote(names[1], "better")
        until(lambda: server.get("/health").json()["model_version"] == names[1])
        assert server.get("/versions").json() == {"versions": [names[1]]}
        assert server.post("/setup", json={"project": "1.1"}).json()["model_version"] == names[1]


class Clicking:
    """People who click on one object after the other, three times each, until they are told to stop."""

    def __init__(self, address: str, people: int):
        self._address, self._people = address, people
        self._stop = threading.Event()
        # When each object was begun, and the versions that its clicks were answered by.
        self.objects: list[tuple[float, list[str]]] = []
        self.slowest = 0.0  # seconds

    def __enter__(self) -> Clicking:
        self._pool = ThreadPoolExecutor(self._people)
        self._all = [self._pool.submit(self._click, person) for person in range(self._people)]
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        for one in self._all:
            one.result(60)
        self._pool.shutdown()

    def _click(self, person: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            clicks = [click | {"id": f"{person} {number} {click['id']}"} for click in CLICKS]
            begun = time.monotonic()
            self.objects.append((begun, [self._ask(clicks[:count], 100 * person) for count in (1, 2, 3)]))

    def _ask(self, clicks: list[dict[str, Any]], task: int) -> str:
        request = body(clicks)
        request["tasks"][0]["id"] = task
        start = time.monotonic()
        reply = requests.post(f"{self._address}/predict", json=request, timeout=60)
        self.slowest = max(self.slowest, time.monotonic() - start)
        assert reply.status_code == 200, reply.text
        (prediction,) = reply.json()["results"]
        assert prediction["result"]
        return prediction["model_version"]


def move_under_load(registry: Registry, names: list[str], address: str, workers: int) -> None:
    """Back and forth while people click: every worker goes along, no click fails, no object changes sides."""
    log = registry.folder.parent / "click99.log"
    until(
        lambda: log.read_text().count("is ready for clicks") == workers
    )  # one that starts later never moves
    with Clicking(address, people=4) as clicking:
        until(lambda: clicking.objects)
        for times, name in ((1, names[1]), (1, names[0]), (2, names[1])):
            registry.promote(name, "back and forth")
            moved, said = time.monotonic(), f"{name} answers from now on"
            until(lambda times=times, said=said: log.read_text().count(said) == times * workers)
            settled = time.monotonic()
            until(lambda settled=settled: [begun for begun, _ in clicking.objects if begun > settled])
            assert {versions[0] for begun, versions in clicking.objects if begun > settled} == {name}
            print(f"all on {name} after {settled - moved:.1f} s")
    print(f"{len(clicking.objects)} objects, the slowest answer {clicking.slowest:.2f} s")
    assert {versions[0] for _, versions in clicking.objects} == set(names)
    mixed = [versions for _, versions in clicking.objects if len(set(versions)) > 1]
    assert mixed == [], "each object's clicks are answered by one version"
    assert clicking.slowest < 5


def test_no_click_is_lost_while_the_pointer_moves(tmp_path: Path, registry: Registry, names: list[str]):
    with serving(tmp_path) as address:
        move_under_load(registry, names, address, workers=1)


def test_every_worker_follows(tmp_path: Path, registry: Registry, names: list[str]):
    with RedisServer(tmp_path) as redis:
        options = ["--workers", "2", "--redis-url", redis.url]
        with serving(tmp_path, *options) as address:
            move_under_load(registry, names, address, workers=2)

"""`click99 serve` with several workers: real processes with a real network, over one Redis."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import torch
from sqlalchemy import select
from typer.testing import CliRunner

from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import ClickRow
from click99.cli import app
from click99.segmentation.checkpoint import load_checkpoint, save_checkpoint
from click99.segmentation.generalist import Generalist
from click99.server import serve
from click99.server.settings import Settings
from tests.redis_server import RedisServer
from tests.server.command import serving
from tests.server.interleaved import request_for

OBJECTS, CLICKS, WORKERS = 100, 3, 4


def click_all(address: str, images: list[str], threads: int) -> dict[tuple[int, int], Any]:
    """Every object's answers after each click, interleaved: the first clicks on all come first."""
    rounds = [[(number, clicks) for number in range(OBJECTS)] for clicks in range(1, CLICKS + 1)]
    answers: dict[tuple[int, int], Any] = {}

    def ask(which: tuple[int, int]) -> Any:
        reply = requests.post(f"{address}/predict", json=request_for(*which, images), timeout=60)
        assert reply.status_code == 200, reply.text
        return reply.json()

    with ThreadPoolExecutor(threads) as pool:  # a new connection for every request: any worker gets it
        for asked in rounds:
            answers |= zip(asked, pool.map(ask, asked), strict=True)
    return answers


def counted(address: str, name: str) -> float:
    text = requests.get(f"{address}/metrics", timeout=5).text
    (value,) = re.findall(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(value)


@pytest.mark.slow("a hundred objects")
@pytest.mark.timeout(900)
def test_a_hundred_objects_over_four_workers_are_as_in_one_process(
    tmp_path: Path, images: list[str], fast_checkpoint: Path
):
    both = ["--model", str(fast_checkpoint), "--allowed-hosts", urlsplit(images[0]).netloc]
    one, four = tmp_path / "one", tmp_path / "four"
    for home in (one, four):
        home.mkdir()
    with serving(one, *both) as address:
        alone = click_all(address, images, threads=1)
    with RedisServer(tmp_path) as redis:
        options = ["--workers", str(WORKERS), "--redis-url", redis.url, *both]
        with serving(four, *options) as address:
            together = click_all(address, images, threads=8)
            clicks = {counted(address, "click99_clicks_total") for _ in range(10)}
            reused = counted(address, "click99_cache_hits_total")
    assert together == alone
    masks = {str(answer["results"][0]["result"][0]["value"]["rle"]) for answer in alone.values()}
    assert len(masks) > OBJECTS, "the masks differ, so that a mixed-up one would be seen"
    assert clicks == {OBJECTS * CLICKS}, "every worker tells the sum"
    # The second and third clicks each find what came before, whichever worker made it.
    assert reused == OBJECTS * (1 + 2)
    log = (four / "click99.log").read_text()
    assert len(set(re.findall(r"Started server process \[(\d+)\]", log))) == WORKERS
    assert recorded(four) == recorded(one), "all workers write one record"
    assert len(recorded(four)) == OBJECTS * CLICKS


def recorded(home: Path) -> set[tuple[str, str | None]]:
    """The clicks of a record, each with the mask after it."""
    with Database(sqlite_url(home)).reading() as session:
        return {(click.state, click.mask) for click in session.scalars(select(ClickRow))}


@pytest.mark.slow("starts the command")
@pytest.mark.parametrize(("kind", "count"), [("workers", 4), ("replicas", 4), ("replicas", 1)])
def test_processes_without_redis_are_refused_with_the_reason(kind: str, count: int):
    refused = f"{count} {kind} need CLICK99_REDIS_URL: an object's clicks go to any"
    with pytest.raises(ValueError, match=refused):
        Settings.model_validate({kind: count})


def test_workers_and_replicas_are_not_both_had():
    with pytest.raises(ValueError, match="CLICK99_WORKERS and CLICK99_REPLICAS are two ways to the same"):
        Settings(workers=2, replicas=2, redis_url="redis://127.0.0.1:1")


def test_replicas_without_ray_are_never_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "click99.server.ray_serve", raising=False)
    options = ["--replicas", "2", "--redis-url", "redis://127.0.0.1:1", "--home", str(tmp_path)]
    ended = CliRunner().invoke(app, ["serve", *options])
    assert ended.exit_code == 2
    assert 'ray is not installed: pip install ".[ray]"' in ended.stderr


IMPORTED = """
import sys
import uvicorn
uvicorn.run = lambda *_, **__: print("ray" in sys.modules)
from click99.cli import app
app(["serve", "--home", sys.argv[1]])
"""


@pytest.mark.slow("starts the command")
def test_a_plain_server_never_imports_ray(tmp_path: Path):
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTED, str(tmp_path)], capture_output=True, text=True, timeout=200
    )
    assert ended.stdout == "False\n", ended.stderr


@pytest.fixture
def half_a_pair(fast_checkpoint: Path, tmp_path: Path) -> Path:
    """What was learnt is whole; what the generalist knows of images is not."""
    network, nothing = load_checkpoint(fast_checkpoint), torch.empty(0)
    path = tmp_path / "half.safetensors"
    save_checkpoint(network, path, generalist=Generalist(network, nothing, nothing))
    return path


@pytest.mark.slow("starts the command")
@pytest.mark.parametrize(
    ("model", "message"), [("none", "does not exist"), ("half.safetensors", "lacks its generalist's")]
)
def test_a_wrong_checkpoint_ends_the_command_before_any_worker(
    tmp_path: Path, half_a_pair: Path, model: str, message: str
):
    options = ["--workers", "2", "--redis-url", "redis://127.0.0.1:1", "--model", str(tmp_path / model)]
    command = [sys.executable, "-m", "click99.cli", "serve", "--port", "0", *options]
    wide = os.environ | {"COLUMNS": "250"}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200, env=wide)
    assert ended.returncode == 2
    assert message in ended.stderr


def test_workers_on_a_postgresql_without_its_driver_are_never_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setattr(serve.uvicorn, "run", lambda *_, **__: pytest.fail("they are started"))
    options = ["--redis-url", "redis://127.0.0.1:1", "--database-url", "postgresql://localhost/click99"]
    ended = CliRunner().invoke(app, ["serve", "--workers", "2", "--home", str(tmp_path), *options])
    assert ended.exit_code == 2
    assert 'psycopg is not installed: pip install ".[postgresql]"' in ended.stderr


def test_workers_and_jobs_get_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    given = Settings(home=tmp_path, retrain_every=7, label_studio_url="http://studio", model=tmp_path / "m")
    for name, value in serve.environment(given).items():
        monkeypatch.setenv(name, value)
    assert Settings().model_dump(exclude={"threads"}) == given.model_dump(exclude={"threads"})


@pytest.mark.parametrize(
    ("host", "user", "warned"),
    [
        ("127.0.0.1", "", False),
        ("localhost", "", False),
        ("::1", "", False),
        ("0.0.0.0", "", True),
        ("::", "", True),
        ("192.168.1.7", "", True),
        ("0.0.0.0", "anna", False),
    ],
)
def test_a_server_that_is_open_to_all_says_so(
    caplog: pytest.LogCaptureFixture, host: str, user: str, warned: bool
):
    serve.warn_if_open(Settings(host=host, basic_auth_user=user, basic_auth_password=user))
    assert ["CLICK99_BASIC_AUTH_USER" in record.getMessage() for record in caplog.records] == [True] * warned

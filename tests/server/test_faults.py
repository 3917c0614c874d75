"""What docs/explanation/faults.md tells, caused for real where no other test does."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import func, select

from click99 import budget
from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import AnnotationRow, ClickRow, RecordRow
from click99.demo.programs import free_port
from click99.labelstudio.images import ImageSource
from click99.registry.versions import Registry
from click99.server.app import create_app
from click99.server.settings import Settings
from tests.labelstudio.site import Site
from tests.labelstudio.site import running as site_running
from tests.labelstudio.tokens import LEGACY
from tests.redis_server import RedisServer
from tests.server.annotator import Annotator, event
from tests.server.command import running, serving
from tests.server.fuzzing import PICTURE
from tests.server.interleaved import CLICKS, request_for
from tests.server.requests import Start, body, data_uri, encoded, keypoint
from tests.waiting import until

SERVE = [sys.executable, "-m", "click99.cli", "serve", "--threads", "1"]
SIDE = 8192


def count(home: Path, table: type[RecordRow]) -> int:
    with Database(sqlite_url(home)).reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 64 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"needs to mount a tmpfs, as root may: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 2**12):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    assert not shutil.disk_usage(disk).free
    yield
    filler.unlink()


@pytest.mark.slow("fills a disk")
def test_a_full_disk_costs_no_click_and_nothing_that_was_answered_200(
    small_disk: Path, start: Start, images: Sequence[str], checkpoints: list[Path]
):
    hosts = images[0].split("/")[2]
    server = start(home=small_disk, allowed_hosts=hosts)
    ann, alone = Annotator(server), Annotator(start(home=small_disk.parent / "alone"))
    assert np.array_equal(ann.click(20, 20), alone.click(20, 20))
    until(lambda: count(small_disk, ClickRow) == 1)
    registry = Registry(small_disk / "models")
    with full(small_disk):
        for x in range(25, 45, 5):
            assert np.array_equal(ann.click(x, 30), alone.click(x, 30))
        assert server.post("/predict", json=request_for(0, 1, images)).status_code == 200, "no copy is kept"
        assert server.post("/try/pictures", content=PICTURE).status_code == 200
        lost = server.post("/webhook", json={"action": "ANNOTATION_CREATED"})
        assert (lost.status_code, "click99 sync" in lost.json()["detail"]) == (507, True)
        assert server.post("/train").status_code == 507
        with pytest.raises(OSError, match="No space left on device"):
            registry.add(checkpoints[0])
        assert registry.all() == []
        until(lambda: "click99_record_failing 1.0" in server.get("/metrics").text)
        assert server.get("/health").status_code == 200
    ann.accept()
    ann.submit()
    assert server.post("/webhook", json=event(ann)).status_code == 200
    until(lambda: count(small_disk, AnnotationRow) == 1)
    until(lambda: "click99_record_failing 0.0" in server.get("/metrics").text)
    assert count(small_disk, ClickRow) == 6
    assert registry.add(checkpoints[0]).path.stat().st_size


@pytest.mark.slow("two servers")
def test_two_servers_write_one_sqlite_file(start: Start, tmp_path: Path):
    people = [Annotator(start(), name) for name in ("ann", "bob")]
    places = [(x, y) for x in range(6, 60, 9) for y in (10, 30)]

    def work(annotator: Annotator) -> list[np.ndarray]:
        shown = [annotator.click(x, y, positive=k % 3 != 2) for k, (x, y) in enumerate(places)]
        annotator.accept()
        annotator.submit()
        annotator.annotations[0]["id"] = annotator.name
        assert annotator.server.post("/webhook", json=event(annotator)).status_code == 200
        return shown

    with ThreadPoolExecutor(2) as pool:
        masks = list(pool.map(work, people))
    expected = work(Annotator(start(home=tmp_path / "alone"), "eve"))
    for shown in masks:
        assert all(np.array_equal(*both) for both in zip(shown, expected, strict=True))
    until(lambda: count(tmp_path, AnnotationRow) == 2)
    until(lambda: count(tmp_path, ClickRow) == 2 * len(places))


def goes(studio: Site) -> None:
    studio.shutdown()
    studio.server_close()


def fails(studio: Site) -> None:
    for page, (_, headers, _) in studio.pages.items():
        studio.pages[page] = (500, headers, b"<h1>Server Error (500)</h1>")


def says_nothing(studio: Site) -> None:
    studio.before_reply = threading.Event().wait


@pytest.mark.slow("waits for a host")
@pytest.mark.parametrize("trouble", [goes, fails, says_nothing])
def test_without_label_studio_kept_pictures_are_answered(
    start: Start, monkeypatch: pytest.MonkeyPatch, trouble: Callable[[Site], None]
):
    assert ImageSource.__init__.__kwdefaults__
    monkeypatch.setitem(ImageSource.__init__.__kwdefaults__, "timeout", 1.0)
    with site_running() as studio:
        for page in ("/data/upload/1/kept.png", "/data/upload/1/new.png"):
            studio.serve(page, encoded(), headers={"ETag": '"1"'})
        server = start(label_studio_url=studio.url, label_studio_api_key=LEGACY)

        def click(image: str, *names: str) -> Any:
            clicks = [keypoint(name, 9 * k + 9, 20) for k, name in enumerate(names)]
            return server.post("/predict", json=body(clicks, f"/data/upload/1/{image}"))

        first = click("kept.png", "a").json()
        trouble(studio)
        assert click("kept.png", "a").json() == first
        assert click("kept.png", "a", "b").status_code == 200
        assert click("kept.png", "another object").status_code == 200
        refused = click("new.png", "c")
        assert refused.status_code == 422
        assert "/data/upload/1/new.png" in refused.json()["detail"]
        assert 'click99_errors_total{kind="ImageUnavailableError"} 1.0' in server.get("/metrics").text


@pytest.mark.slow("starts the command")
def test_sigterm_waits_for_open_requests(tmp_path: Path, fast_checkpoint: Path):
    asked, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        go_on.wait(60)

    with site_running() as site, ThreadPoolExecutor(1) as pool:
        picture, site.before_reply = site.serve("/a.png", encoded()), wait
        port = free_port(0)
        url = f"http://127.0.0.1:{port}"
        given = {"--port": port, "--home": tmp_path, "--model": fast_checkpoint, "--allowed-hosts": site.host}
        options = [str(word) for pair in given.items() for word in pair]
        with running([*SERVE, *options], url, tmp_path / "log", signal.SIGTERM) as process:
            click = body([keypoint("a", 20, 20)], picture)
            answer = pool.submit(requests.post, f"{url}/predict", json=click, timeout=60)
            assert asked.wait(60)
            process.send_signal(signal.SIGTERM)
            until(lambda: "Shutting down" in (tmp_path / "log").read_text())
            with pytest.raises(requests.ConnectionError):
                requests.get(f"{url}/health", timeout=5)
            go_on.set()
            assert answer.result().status_code == 200
            process.wait(60)
    assert count(tmp_path, ClickRow) == 1


@pytest.mark.slow("starts two workers")
@pytest.mark.timeout(600)
def test_killed_workers_cost_no_mask(tmp_path: Path, images: Sequence[str], fast_checkpoint: Path):
    hosts, failed = images[0].split("/")[2], threading.Event()
    given = ["--allowed-hosts", hosts, "--model", str(fast_checkpoint)]

    def ask(url: str, number: int) -> list[Any]:
        """An object's answers; a click that is lost is sent again, as it is with the next one."""
        answers = []
        for clicks in range(1, CLICKS + 1):
            while True:
                with suppress(requests.ConnectionError):
                    asked = request_for(number, clicks, images)
                    reply = requests.post(f"{url}/predict", json=asked, timeout=60)
                    assert reply.status_code == 200, reply.text
                    answers.append(reply.json())
                    break
                failed.set()
        return answers

    def started() -> list[str]:
        return re.findall(r"Started server process \[(\d+)\]", (tmp_path / "click99.log").read_text())

    answers: list[list[Any]] = []
    with (
        RedisServer(tmp_path) as redis,
        serving(tmp_path, "--workers", "2", "--redis-url", redis.url, *given) as url,
        ThreadPoolExecutor(4) as pool,
    ):
        until(lambda: len(started()) == 2, 200)
        while not failed.is_set():
            begun, before = len(answers), len(started())
            waiting = [pool.submit(ask, url, number) for number in range(begun, begun + 12)]
            until(lambda: sum(each.done() for each in waiting) > 1, 200)  # noqa: B023
            os.kill(int(started()[-1]), signal.SIGKILL)
            answers += [each.result() for each in waiting]
            until(lambda: len(started()) > before, 200)  # noqa: B023
    settings = Settings(home=tmp_path / "alone", model=fast_checkpoint, allowed_hosts=hosts, threads=1)
    with TestClient(create_app(settings)) as alone:
        for number, found in enumerate(answers):
            replies = [alone.post("/predict", json=request_for(number, k + 1, images)) for k in range(CLICKS)]
            assert [reply.json() for reply in replies] == found, number


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group that takes 800 MB of memory."""
    root, limit = budget.GROUPS, "memory.max"
    if (root / "memory").is_dir():
        root, limit = root / "memory", "memory.limit_in_bytes"
    folder = root / f"click99-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / limit).write_text(str(800 * 2**20))
    except OSError as error:
        pytest.skip(f"needs a control group for memory, which root may make: {error}")
    yield folder
    until(lambda: not (folder / "cgroup.procs").read_text())
    folder.rmdir()


@pytest.mark.slow("unpacks large pictures")
def test_a_control_group_s_memory_ends_no_server(group: Path, tmp_path: Path):
    port = free_port(0)
    url = f"http://127.0.0.1:{port}"
    options = ["--port", str(port), "--home", str(tmp_path)]
    joined = ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"]

    def click(number: int) -> requests.Response:
        picture = data_uri(encoded_flat(number))
        asked = body([keypoint(f"{number}", 99, 99, size=(SIDE, SIDE))], picture)
        return requests.post(f"{url}/predict", json=asked, timeout=200)

    with running([*joined, *SERVE, *options], url, tmp_path / "log"), ThreadPoolExecutor(4) as pool:
        assert requests.post(f"{url}/predict", json=body([keypoint("a", 20, 20)]), timeout=60).ok
        answers = list(pool.map(click, range(4)))
        told = {answer.json()["detail"] for answer in answers if answer.status_code == 422}
        assert {answer.status_code for answer in answers} <= {200, 422}
        assert any(re.search(r"needs \d+ MB of memory, and \d+ are free. Give click99 more", t) for t in told)
        assert requests.post(f"{url}/predict", json=body([keypoint("b", 20, 20)]), timeout=60).ok


def encoded_flat(grey: int) -> bytes:
    """A PNG of SIDE × SIDE pixels of that value."""
    file = io.BytesIO()
    Image.new("L", (SIDE, SIDE), grey).save(file, "PNG")
    return file.getvalue()


LIMITED = """
import resource
import io
from PIL import Image
from click99.budget import free_memory
from click99.labelstudio.errors import ImageTooLargeError
from click99.labelstudio.pixels import read_pixels

def flat(side):
    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "PNG")
    return file.getvalue()

large, small = flat(8192), flat(50)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400 * 2**20,) * 2)
assert abs(free_memory() - 400 * 2**20) < 2**20, free_memory()
try:
    read_pixels(large, "a.png", 2**27)
except ImageTooLargeError as error:
    print(error)
print(read_pixels(small, "b.png", 2**27).shape)
"""


@pytest.mark.slow("starts a process")
def test_a_limit_of_the_process_s_own_refuses_what_does_not_fit():
    ended = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=100)
    refused, small = ended.stdout.splitlines() or [ended.stderr, ""]
    assert re.match(
        r"image: a.png needs 512 MB of memory, and (335|336) are free. Give click99 more", refused
    )
    assert small == "(50, 50, 3)"

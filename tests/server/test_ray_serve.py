"""click99 on Ray Serve: real replicas over one Redis, killed, moved to another version, more and fewer."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from click99.demo.programs import free_port
from click99.registry.versions import Registry
from tests.redis_server import RedisServer
from tests.server.command import running
from tests.server.interleaved import Clicking
from tests.server.ray_folder import elsewhere
from tests.waiting import until

ROOT = Path(__file__).parents[2]
REST = 0.2  # seconds
MOST = 2  # replicas under load
START = 150  # seconds until a replica is ready, on a busy machine
pytest.importorskip("ray", reason='needs Ray: pip install ".[ray]"')
pytestmark = [pytest.mark.slow("starts a Ray cluster"), pytest.mark.timeout(600)]


class Cluster:
    """Replicas with two versions, of which the first is promoted."""

    def __init__(self, folder: Path, checkpoints: list[Path], images: list[str]):
        self.registry = Registry(folder / "models")
        versions = [self.registry.add(path) for path in checkpoints]
        self.names = [version.name for version in versions]
        self.models = {version.name: version.path for version in versions}
        self.registry.promote(self.names[0], "for the test")
        self.images, self.hosts = images, urlsplit(images[0]).netloc
        self.home = folder
        self.address = ""

    def said(self, sentence: str) -> list[int]:
        """The process ids that logged it, oldest first; from their own files, which Ray shows with a lag."""
        files = sorted(
            self.home.glob("*/session_2*/logs/worker-*.err"), key=lambda file: file.stat().st_ctime_ns
        )
        return [int(file.stem.split("-")[-1]) for file in files if re.search(sentence, file.read_text())]

    def living(self, sentence: str = "is ready for clicks") -> list[int]:
        """The process ids of the replicas that logged it and run; last the one that logged anything last."""
        return [pid for pid in self.said(sentence) if Path(f"/proc/{pid}").exists()]


@pytest.fixture(scope="module")
def cluster(checkpoints: list[Path], images: list[str]) -> Iterator[Cluster]:
    with elsewhere() as folder, RedisServer(folder) as redis:
        made, port = Cluster(folder, checkpoints, images), free_port(0)
        made.address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "click99.cli", "serve", "--replicas", "2", "--port", str(port)]
        command += ["--threads", "1", "--home", str(folder), "--redis-url", redis.url]
        command += ["--allowed-hosts", made.hosts]
        with running(command, made.address, folder / "click99.log"):
            until(lambda: len(made.said("is ready for clicks")) == 2, START)
            yield made
        assert not [*folder.glob("click99-*")], "Ray's files go with the server"


def test_any_replica_makes_the_mask_of_a_single_process(cluster: Cluster, tmp_path: Path) -> None:
    with Clicking(cluster.address, cluster.images) as clicking:
        until(lambda: len(clicking.answers) > 120)
    assert clicking.check(tmp_path, cluster.models, cluster.hosts) == {cluster.names[0]}
    masks = {str(answer["result"][0]["value"]["rle"]) for answer in clicking.answers.values()}
    assert len(masks) > 100, "the masks differ, so that a mixed-up one would be seen"
    assert len(cluster.said("click project=")) == 2, "both replicas answered"
    counted = re.search(r"^click99_clicks_total (.*)$", requests.get(f"{cluster.address}/metrics").text, re.M)
    assert counted
    assert float(counted[1]) == len(clicking.answers), "the sum, whichever replica tells it"


def test_a_tasks_clicks_meet_the_same_replica(cluster: Cluster) -> None:
    with Clicking(cluster.address, cluster.images, people=1, first=100_000) as clicking:
        until(lambda: len(clicking.answers) > 30)
    for number, _ in clicking.answers:
        assert len(cluster.said(rf"click project=\S+ task={number} ")) == 1


def test_no_click_fails_when_a_replica_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    with Clicking(cluster.address, cluster.images, people=6, first=200_000, rest=REST) as clicking:
        until(lambda: len(clicking.answers) > 50)
        for begun in (3, 4, 5):  # replicas so far; to one that stands still Ray may send no click
            chosen = cluster.living("click project=")[-1]  # that answers now
            os.kill(chosen, signal.SIGSTOP)
            time.sleep(2)  # so that clicks are on their way to it
            os.kill(chosen, signal.SIGKILL)
            until(lambda begun=begun: len(cluster.said("is ready for clicks")) == begun, START)
            if cluster.said("is gone .*another is asked"):
                break
    assert cluster.said("is gone .*another is asked")
    clicking.check(tmp_path, cluster.models, cluster.hosts)


def test_replicas_follow_a_promotion_and_finish_what_was_begun(cluster: Cluster, tmp_path: Path) -> None:
    with Clicking(cluster.address, cluster.images, first=300_000) as clicking:
        until(lambda: len(clicking.answers) > 30)
        cluster.registry.promote(cluster.names[1], "under load")
        until(lambda: len(cluster.said(f"{cluster.names[1]} answers from now on")) == 2)
        seen = len(clicking.answers)
        until(lambda: len(clicking.answers) > seen + 60)
    assert clicking.check(tmp_path, cluster.models, cluster.hosts) == {*cluster.names}
    assert clicking.mixed() == [], "each object's clicks are answered by one version"


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """docker/helm/ray.yaml, for a small machine in a hurry."""
    config = yaml.safe_load((ROOT / "docker/helm/ray.yaml").read_text())
    (application,) = config["applications"]
    (replica, door) = application["deployments"]
    replica["ray_actor_options"]["num_cpus"] = 0.1
    hurry = {"upscale_delay_s": 1, "downscale_delay_s": 3, "metrics_interval_s": 1, "look_back_period_s": 2}
    replica["autoscaling_config"] |= {"max_replicas": MOST, "target_ongoing_requests": 1} | hurry
    door["num_replicas"] = 1
    return config


@contextmanager
def serve_run(config: dict[str, Any], folder: Path) -> Iterator[str]:
    """Ray's own command -> the address. Ctrl-C would not end it where CI has it ignored."""
    port = free_port(0)
    config["http_options"] = {"host": "127.0.0.1", "port": port}
    (folder / "ray.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "ray.serve.scripts", "run", str(folder / "ray.yaml")]
    address = f"http://127.0.0.1:{port}"
    with running(command, address, folder / "click99.log", end=signal.SIGTERM):
        yield address


def test_more_replicas_under_load_and_fewer_after_it(
    config: dict[str, Any], checkpoints: list[Path], images: list[str], tmp_path: Path
) -> None:
    with elsewhere() as folder, RedisServer(folder) as redis:
        cluster = Cluster(folder, checkpoints, images)
        config["applications"][0]["args"] |= {
            "redis_url": redis.url,
            "threads": 1,
            "home": str(folder),
            "allowed_hosts": cluster.hosts,
        }
        with serve_run(config, folder) as cluster.address:
            with Clicking(cluster.address, images, people=8, rest=REST / 4) as clicking:
                until(lambda: len(cluster.said("is ready for clicks")) == MOST, START)
                seen = len(clicking.answers)
                until(lambda: len(clicking.answers) > seen + 50)
            until(lambda: len(cluster.living()) == 1, START)
            with Clicking(cluster.address, images, people=1, first=100_000) as later:
                until(lambda: len(later.answers) > 10)
        for each in (clicking, later):
            each.check(tmp_path, cluster.models, cluster.hosts)


def test_no_click_fails_during_a_rolling_update(
    checkpoints: list[Path], images: list[str], tmp_path: Path
) -> None:
    """To a version that the new replicas are pinned to, beside those that are not yet replaced."""
    with elsewhere() as folder, RedisServer(folder) as redis:
        cluster, port = Cluster(folder, checkpoints, images), free_port(0)
        before = {"redis_url": redis.url, "threads": 1, "replicas": 2, "home": str(folder)}
        before |= {"allowed_hosts": cluster.hosts}
        after = before | {"model": str(cluster.models[cluster.names[1]])}
        (files := folder / "click99-ray").mkdir()
        asked = [str(files), str(port), json.dumps(before), json.dumps(after)]
        command, log = [sys.executable, "-m", "tests.server.ray_update", *asked], folder / "update.log"
        with log.open("wb") as file, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file) as serving:
            assert serving.stdin
            until(lambda: b"up\n" in log.read_bytes() or serving.poll() is not None, START)
            assert serving.poll() is None
            until(lambda: len(cluster.said("is ready for clicks")) == 2, START)
            with Clicking(f"http://127.0.0.1:{port}", images, rest=REST) as clicking:
                until(lambda: len(clicking.answers) > 30)
                serving.stdin.write(b"\n")
                serving.stdin.flush()
                until(lambda: b"updated\n" in log.read_bytes() or serving.poll() is not None, START)
                assert serving.poll() is None
                assert len(cluster.said("is ready for clicks")) == 4
                seen = len(clicking.answers)
                until(lambda: len(clicking.answers) > seen + 60)
            serving.stdin.write(b"\n")
            serving.stdin.flush()
            serving.wait(60)
        assert clicking.check(tmp_path, cluster.models, cluster.hosts) == {*cluster.names}
        assert clicking.mixed() == [], "each object's clicks are answered by one version"


def test_no_click_fails_when_a_node_dies(checkpoints: list[Path], images: list[str], tmp_path: Path) -> None:
    with elsewhere() as folder, RedisServer(folder) as redis:
        cluster, port = Cluster(folder, checkpoints, images), free_port(0)
        asked = {"redis_url": redis.url, "threads": 1, "replicas": 2, "home": str(folder)}
        told = json.dumps(asked | {"allowed_hosts": cluster.hosts})
        command = [sys.executable, "-m", "tests.server.ray_nodes", str(folder), str(port), told]
        log = folder / "nodes.log"
        with log.open("wb") as file, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file) as nodes:
            assert nodes.stdin
            until(lambda: b"up\n" in log.read_bytes() or nodes.poll() is not None, START)
            assert nodes.poll() is None
            until(lambda: len(cluster.said("is ready for clicks")) == 2, START)
            with Clicking(f"http://127.0.0.1:{port}", images, people=4, rest=REST) as clicking:
                until(lambda: len(clicking.answers) > 50)
                nodes.stdin.write(b"\n")
                nodes.stdin.flush()
                until(lambda: b"killed\n" in log.read_bytes())
                until(lambda: len(cluster.living()) == 1)
                until(lambda: len(cluster.said("is ready for clicks")) == 3, START)
                seen = len(clicking.answers)
                until(lambda: len(clicking.answers) > seen + 20)
            nodes.stdin.write(b"\n")
            nodes.stdin.flush()
            nodes.wait(60)
        clicking.check(tmp_path, cluster.models, cluster.hosts)

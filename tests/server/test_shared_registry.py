"""Servers on several machines (homes of their own here) that share their versions by a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from typer.testing import CliRunner

from click99.cli import app
from click99.labelstudio.payloads import PredictRequest
from click99.registry import shared
from click99.registry.versions import Registry
from click99.segmentation.checkpoint import SHIPPED, checkpoint_version
from click99.server.own_checks import check_promoted
from click99.server.promotions import PULL_SECONDS, RETRY_SECONDS
from click99.server.settings import Settings
from tests.redis_server import RedisServer
from tests.s3_server import S3Server
from tests.server.command import serving
from tests.server.followed_registry import Running
from tests.server.requests import body, keypoint
from tests.waiting import until

pytestmark = pytest.mark.slow("several machines and a bucket")


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def url(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    s3.come_back(monkeypatch)
    monkeypatch.setattr(shared, "ANSWER_SECONDS", 0.5)
    yield f"s3://{s3.bucket(uuid4().hex).name}/click99"
    s3.trouble = ""


@pytest.fixture
def registry(tmp_path: Path, url: str, checkpoints: list[Path]) -> Registry:
    """Of a machine without a server; the first checkpoint is promoted."""
    registry = Registry.at(tmp_path / "desk", url)
    names = [registry.add(path).name for path in checkpoints]
    registry.promote(names[0], "for the test")
    return registry


def look(running: Running, seconds: float = PULL_SECONDS) -> str:
    """What it serves, some seconds later."""
    running.now += seconds
    running.follower.look()
    return running.service.version


def test_what_is_promoted_on_one_machine_is_served_on_the_other(
    tmp_path: Path, registry: Registry, names: list[str], url: str
):
    running = Running(tmp_path / "server", registry_url=url)
    assert running.click(2)["model_version"] == names[0]
    registry.promote(names[1], "better")
    assert look(running) == names[1]
    assert running.click(3)["model_version"] == names[0], "the open object stays"
    fresh = Running(tmp_path / "third", registry_url=url).service
    another = PredictRequest.model_validate(body([keypoint("z", 30, 30)]))
    assert fresh.predict(another).results == running.service.predict(another).results
    registry.rollback()
    assert look(running) == names[0]


def test_an_object_goes_on_at_a_server_that_has_not_heard_of_its_version(
    tmp_path: Path, registry: Registry, names: list[str], url: str
):
    with RedisServer(tmp_path) as redis:
        one, other = (
            Running(tmp_path / name, registry_url=url, redis_url=redis.url) for name in ("one", "other")
        )
        registry.promote(names[1], "better")
        assert look(one) == names[1]
        begun = one.click(1)
        assert other.service.version == names[0]
        assert other.click(2)["model_version"] == begun["model_version"] == names[1]


def test_while_the_bucket_is_away_clicks_are_answered_by_what_is_loaded(
    tmp_path: Path,
    registry: Registry,
    names: list[str],
    url: str,
    s3: S3Server,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    running = Running(tmp_path / "server", registry_url=url)
    running.click(1)
    registry.promote(names[1], "better")
    s3.trouble = "503"
    for _ in range(3):
        assert look(running) == names[0]
    asked = len(s3.asked)
    assert running.click(2)["model_version"] == names[0]
    assert len(s3.asked) == asked, "no click asks the bucket"
    told = [each.getMessage() for each in caplog.records if url in each.getMessage()]
    assert len(told) == 1
    assert told[0].endswith(f"{names[0]} goes on")
    (finding,) = check_promoted(Settings(home=tmp_path / "server", registry_url=url))
    assert (finding.severity, url in finding.detail) == ("problem", True)
    new = Running(tmp_path / "new", registry_url=url)
    assert new.click(1)["model_version"] == checkpoint_version(SHIPPED), "it starts all the same"
    s3.come_back(monkeypatch)
    assert look(running) == look(new) == names[1]


def test_a_pointer_to_what_the_bucket_lacks_is_refused_until_it_is_there(
    tmp_path: Path, registry: Registry, names: list[str], url: str, checkpoints: list[Path], s3: S3Server
):
    running = Running(tmp_path / "server", registry_url=url)
    registry.promote(names[1], "better")
    lacking = s3.bucket(url.split("/")[2]).Object(f"click99/{names[1]}.safetensors")
    lacking.delete()
    (tmp_path / "server").joinpath(registry.folder.name, f"{names[1]}.safetensors").unlink()
    assert look(running) == names[0]
    assert running.counted("click99_model_refusals_total") == 1
    assert running.click(1)["model_version"] == names[0]
    lacking.put(Body=checkpoints[1].read_bytes())
    assert look(running, RETRY_SECONDS) == names[1]


def test_two_servers_and_the_command(tmp_path: Path, registry: Registry, names: list[str], url: str):
    def versions() -> set[str]:
        return {requests.get(f"{each}/health", timeout=9).json()["model_version"] for each in (one, other)}

    options = ["--registry-url", url, "--device", "cpu"]
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with serving(tmp_path / "one", *options) as one, serving(tmp_path / "other", *options) as other:
        assert versions() == {names[0]}
        command = ["models", "promote", names[1], "--home", str(tmp_path / "laptop"), "--registry-url", url]
        told = CliRunner().invoke(app, command)
        assert f"{names[1]} is served now, instead of {names[0]}." in told.output, told.output
        until(lambda: versions() == {names[1]}, seconds=30)

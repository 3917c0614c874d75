"""Pictures in a bucket that is connected to the project: a real S3 server, and a real Label Studio."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto.server import ThreadedMotoServer

from click99.demo.pictures import pictures
from click99.demo.programs import free_port
from click99.demo.project import connect
from click99.labelstudio.client import Client
from click99.labelstudio.storage import in_storage
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import RunningDemo
from tests.e2e.workplace import BRUSH, COFFEE, Click99, Workplace, mask_of, synchronise
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

KEYS = [
    *("coffee.png", "two cups.png", "a+b=c&d.png", "100%.png", "50%20off.png", "Küche/Tasse Größe.png"),
    *(" first.png", "a%2Fb#1;2.png", "a//b.png", unicodedata.normalize("NFD", "ü.png"), f"{'x' * 900}.png"),
]
PICTURE = pictures()[0].read_bytes()  # coffee.png
LOGIN = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}


@dataclass
class S3:
    host: str
    client: BaseClient


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    server = ThreadedMotoServer("127.0.0.1", free_port(0), verbose=False)
    server.start()
    host = "{}:{}".format(*server.get_host_and_port())
    client = boto3.client("s3", endpoint_url=f"http://{host}", **LOGIN)
    client.create_bucket(Bucket="pictures")
    for key in KEYS:
        client.put_object(Bucket="pictures", Key=key, Body=PICTURE)
    yield S3(host, client)
    server.stop()


@pytest.fixture(scope="module")
def own(demo: RunningDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Click99]:
    """A click99 whose settings are this module's to change."""
    with Click99(demo, tmp_path_factory.mktemp("buckets")) as server:
        yield server


def tasks_of(client: Client, s3: S3, own: Click99, presign: bool) -> list[dict[str, Any]]:
    """Those of a new project with the bucket as its source, as Label Studio made them."""
    asked = {"title": f"bucket, presigned: {presign}", "label_config": BRUSH}
    project = client.call("POST", "/api/projects", json=asked)["id"]
    connect(client, project, own.url)
    bucket = {"bucket": "pictures", "s3_endpoint": f"http://{s3.host}", "use_blob_urls": True, **LOGIN}
    wanted = bucket | {"project": project, "presign": presign, "recursive_scan": True}
    synchronise(client, "s3", client.call("POST", "/api/storages/s3/", json=wanted)["id"])
    return list(client.tasks(project, 100))


def click(client: Client, task: dict[str, Any]) -> dict[str, Any]:
    """What Label Studio hands on to the browser: the real payload's answer."""
    backend = client.call("GET", "/api/ml", params={"project": task["project"]})[0]["id"]
    dot = {"id": f"click {task['id']}", "type": "keypoint", "from_name": "click", "to_name": "image"}
    place = {"x": 100 * COFFEE.x / 600, "y": 100 * COFFEE.y / 400, "width": 0.5}
    item = dot | {"original_width": 600, "original_height": 400, "is_positive": True, "value": place}
    asked = {"task": task["id"], "context": {"result": [item]}}
    return client.call("POST", f"/api/ml/{backend}/interactive-annotating", json=asked)


@pytest.mark.parametrize("presign", [False, True], ids=["read by Label Studio", "presigned"])
def test_clicks_on_pictures_in_a_bucket(
    workplace: Workplace, studio: LabellingPage, s3: S3, own: Click99, presign: bool
) -> None:
    if presign:
        own.environment["CLICK99_ALLOWED_HOSTS"] = s3.host
        own.restart()
    tasks = tasks_of(workplace.client, s3, own, presign)
    assert {in_storage(task["data"]["image"]) for task in tasks} == {f"s3://pictures/{key}" for key in KEYS}
    for task in tasks:
        answer = click(workplace.client, task)
        assert "data" in answer, (task, answer, own.log.read_text()[-2000:])
        (region,) = answer["data"]["result"]
        assert mask_of(region)[COFFEE.y, COFFEE.x]
    studio.work_on(tasks[-1]["project"], tasks[-1]["id"])
    (seen,) = studio.click(COFFEE).regions
    assert mask_of(seen)[COFFEE.y, COFFEE.x]
    studio.screenshot(f"bucket-{presign}")


def test_a_private_bucket_that_nobody_listed(workplace: Workplace, s3: S3, own: Click99) -> None:
    own.environment.pop("CLICK99_ALLOWED_HOSTS", None)
    own.restart()
    task = tasks_of(workplace.client, s3, own, presign=True)[0]
    assert click(workplace.client, task).get("errors")
    until(lambda: f"Add {s3.host} to CLICK99_ALLOWED_HOSTS" in own.log.read_text())

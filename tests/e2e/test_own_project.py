"""A stranger's own account, token, project and label config, annotated already: `click99 connect --project`,
clicks in the browser, COCO (docs/tutorials/own-project.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from click99.demo.pictures import pictures
from click99.labelstudio.client import Client
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import RunningDemo
from tests.e2e.workplace import COFFEE, SAUCER, SPOON, Click99, mask_of
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CONFIG = """<View>
  <Header value="What is on the table?"/>
  <Image name="photo" value="$picture"/>
  <RectangleLabels name="found" toName="photo"><Label value="cup"/><Label value="spoon"/></RectangleLabels>
  <Choices name="state" toName="photo"><Choice value="clean"/><Choice value="used"/></Choices>
</View>"""
BOX = {"x": 28, "y": 8, "width": 58, "height": 75, "rotation": 0, "rectanglelabels": ["cup"]}
ITEM = {"id": "box", "type": "rectanglelabels", "from_name": "found", "to_name": "photo", "value": BOX}
ITEM |= {"original_width": 600, "original_height": 400, "image_rotation": 0}


@pytest.fixture
def stranger(log_in: Callable[[str], LabellingPage]) -> LabellingPage:
    """Somebody who has just signed up."""
    page = log_in("stranger@example.com")
    page.auto_accept(False)
    return page


@pytest.fixture
def token(stranger: LabellingPage) -> str:
    """The personal one that the stranger's Account & Settings page makes."""
    cookies = {each.get("name"): each.get("value", "") for each in stranger.page.context.cookies()}
    headers = {"X-CSRFToken": cookies["csrftoken"], "Referer": stranger.address}
    reply = stranger.page.request.post(f"{stranger.address}/api/token/", headers=headers, data={})
    return reply.json()["token"]


@pytest.fixture
def client(demo: RunningDemo, token: str) -> Client:
    return Client(demo.address, token, timeout=120)


@pytest.fixture
def own(demo: RunningDemo, token: str, tmp_path: Path) -> Iterator[Click99]:
    """The stranger's click99, which knows no other token."""
    server = Click99(demo, tmp_path)
    server.environment["LABEL_STUDIO_API_KEY"] = token
    with server:
        yield server


def project_of(client: Client) -> tuple[int, int]:
    """One that is in use: two pictures, on the first a box → its number, and the second task's."""
    made = client.call("POST", "/api/projects", json={"title": "Crockery", "label_config": CONFIG})
    for picture in pictures()[:2]:
        uploads = {picture.name: (picture.name, picture.read_bytes())}
        client.call("POST", f"/api/projects/{made['id']}/import", files=uploads)
    tasks = sorted(client.tasks(made["id"], 10), key=lambda task: "coffee" in task["data"]["picture"])
    client.call("POST", f"/api/tasks/{tasks[0]['id']}/annotations/", json={"result": [ITEM]})
    return made["id"], tasks[1]["id"]


def results(client: Client, task: int) -> list[dict[str, Any]]:
    (annotation,) = client.call("GET", f"/api/tasks/{task}/annotations/")
    return annotation["result"]


def test_a_project_in_use_is_connected_clicked_and_taken_away(
    stranger: LabellingPage, client: Client, own: Click99, tmp_path: Path
) -> None:
    project, task = project_of(client)
    said = own.run("connect", "--project", str(project), "--backend", own.url).stdout
    assert "added KeyPoint 'click', BrushLabels 'brush'" in said, said
    assert "a click: answered with brushlabels" in said, said
    stranger.work_on(project, task)
    stranger.click(COFFEE)
    (shown,) = stranger.click(SPOON).regions
    stranger.accept()
    stranger.submit()
    (saved,) = results(client, task)
    assert (saved["type"], saved["value"]["brushlabels"]) == ("brushlabels", ["cup"])
    mask = mask_of(saved)
    assert (mask[COFFEE.y, COFFEE.x], mask[SAUCER.y, SAUCER.x]) == (True, False)
    assert saved["value"]["rle"] == shown["value"]["rle"]
    config = client.call("GET", f"/api/projects/{project}")["label_config"]
    assert all(line.strip() in config for line in CONFIG.splitlines()), "what was there stays"
    until(lambda: str(task) in own.recorded())
    told = own.run("export", "--out", str(tmp_path / "cells"), "--project", str(project))
    assert told.returncode == 0, told.stdout + told.stderr
    coco = COCO(str(tmp_path / "cells" / "annotations.json"))
    (annotation,) = coco.anns.values()
    assert annotation["area"] == mask.sum()
    removed = own.run("disconnect", "--project", str(project), "--backend", own.url).stdout
    assert removed.count("removed") == 2, removed
    assert json.dumps(results(client, task)[0]["value"]) == json.dumps(saved["value"])
    assert stranger.errors == []

"""The demo ends whole and starts again with the work kept. One of its own, to be ended."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from click99.labelstudio.client import Client
from tests.e2e.browser import new_page
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import RunningDemo, running_demo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    with running_demo(tmp_path) as running:
        yield running


def test_ctrl_c_ends_all_and_a_second_start_keeps_the_work(demo: RunningDemo, browser: Browser) -> None:
    annotate_one(demo)
    assert len(demo.processes()) >= 2
    demo.end(signal.SIGINT)
    assert demo.process.returncode == 0
    assert demo.processes() == []

    again = RunningDemo.start(demo.folder)
    try:
        print(f"ready after {demo.seconds:.0f} s, the second time after {again.seconds:.0f} s")
        assert not again.address.endswith(":8080"), "it was taken"
        assert (again.project, again.email, again.password) == (demo.project, demo.email, demo.password)
        check_project(again, browser)
    finally:
        again.end(signal.SIGTERM)
    assert again.processes() == []


def annotate_one(demo: RunningDemo) -> None:
    """Submit an annotation of nothing."""
    client = Client(demo.address, json.loads((demo.folder / "login.json").read_text())["token"], timeout=120)
    task = next(iter(client.tasks(demo.project, 100)))["id"]
    client.call("POST", f"/api/tasks/{task}/annotations/?project={demo.project}", json={"result": []})


def check_project(running: RunningDemo, browser: Browser) -> None:
    """Nothing twice: the pictures, the annotation, and one interactive backend at its new address."""
    with new_page(browser) as page:
        studio = LabellingPage(page, running.address, Path())
        studio.log_in(running.email, running.password)
        project = studio.api(f"/api/projects/{running.project}/")
        assert (project["task_number"], project["total_annotations_number"]) == (6, 1)
        (backend,) = studio.api(f"/api/ml?project={running.project}")
        assert backend["is_interactive"]
        assert requests.get(f"{backend['url']}/health", timeout=60).json()["status"] == "UP"
        (webhook,) = studio.api(f"/api/webhooks/?project={running.project}")
        assert webhook["url"].startswith(backend["url"])

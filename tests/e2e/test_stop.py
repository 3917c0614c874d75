"""The demo ends whole and starts again with the work kept. Runs last: all tests share its Label Studio."""

from __future__ import annotations

import signal
import socket
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from tests.e2e.browser import new_page
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import RunningDemo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_ctrl_c_ends_all_that_was_started(demo: RunningDemo) -> None:
    assert len(demo.processes()) >= 2
    demo.end(signal.SIGINT)
    assert demo.process.returncode == 0
    assert demo.processes() == []


def test_a_second_start_keeps_the_work_and_avoids_taken_ports(demo: RunningDemo, browser: Browser) -> None:
    with ExitStack() as stack:
        for port in (8080, 9090):
            with suppress(OSError):  # taken by another program: as good
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
        again = RunningDemo.start(demo.folder)
        try:
            print(f"ready after {demo.seconds:.0f} s, the second time after {again.seconds:.0f} s")
            assert not again.address.endswith(":8080")
            assert (again.project, again.email, again.password) == (demo.project, demo.email, demo.password)
            check_project(again, browser)
        finally:
            again.end(signal.SIGTERM)
    assert again.processes() == []


def check_project(running: RunningDemo, browser: Browser) -> None:
    """Nothing twice: the pictures, the annotation, and one interactive backend at its new address."""
    with new_page(browser) as page:
        studio = LabellingPage(page, running.address, Path())
        studio.log_in(running.email, running.password)
        project = studio.api(f"/api/projects/{running.project}/")
        assert (project["task_number"], project["total_annotations_number"]) == (6, 1)
        (backend,) = studio.api(f"/api/ml?project={running.project}")
        assert backend["is_interactive"]
        assert requests.get(f"{backend['url']}/health", timeout=5).json()["status"] == "UP"
        (webhook,) = studio.api(f"/api/webhooks/?project={running.project}")
        assert webhook["url"].startswith(backend["url"])

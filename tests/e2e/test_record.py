"""The record beside a real Label Studio: its webhook tells, and what it could not tell is found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import requests

from tests.e2e.workplace import BRUSH, Click99, Project
from tests.server.requests import keypoint
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def answer(click99: Click99, project: Project, task: int) -> dict[str, Any]:
    """The region that two clicks on a task make."""
    found = project.read(task)
    made = project.client.call("GET", f"/api/projects/{project.id}")["created_at"]
    clicks = [
        keypoint(f"{task}-{x}", x, 200, size=(600, 400), label="Object", from_name="click")
        for x in (300, 320)
    ]
    request = {
        "tasks": [found],
        "project": f"{project.id}.{int(datetime.fromisoformat(made).timestamp())}",
        "label_config": BRUSH,
        "params": {"context": {"result": clicks}},
    }
    reply = requests.post(f"{click99.url}/predict", json=request, timeout=120).json()
    return reply["results"][0]["result"][0]


def test_a_submitted_mask_is_recorded_with_its_clicks(click99: Click99, project: Project):
    task = project.task()
    region = answer(click99, project, task)
    project.submit(task, region)
    until(lambda: str(task) in click99.recorded())
    found = click99.recorded()[str(task)]
    assert found.region.id == region["id"]
    assert [click.x for click in found.clicks] == [300, 320]
    assert found.region.mask == found.clicks[-1].mask


def test_what_was_saved_while_click99_was_stopped_is_found(click99: Click99, project: Project):
    task, gone = project.task(), project.task()
    region = answer(click99, project, task)
    number = project.submit(gone, region)
    until(lambda: str(gone) in click99.recorded())
    click99.stop()
    try:
        project.submit(task, region)
        project.client.call("DELETE", f"/api/annotations/{number}/")
        assert str(task) not in click99.recorded()
        said = click99.run("sync", "--project", str(project.id))
    finally:
        click99.start()
    assert said.returncode == 0, said.stderr
    assert "1 annotations new or changed, 1 deleted" in said.stdout
    found = click99.recorded()
    assert str(gone) not in found
    assert len(found[str(task)].clicks) == 2

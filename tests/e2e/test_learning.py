"""The loop closed in the browser: annotate, press "Start Training", go on, and click with what the gate
promoted. No version is promoted by hand."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import torch
from PIL import Image

from click99.demo.project import connect
from click99.labelstudio import brush
from click99.registry.job import Job
from click99.registry.jobs import Jobs
from click99.registry.versions import Registry
from click99.segmentation.checkpoint import SHIPPED, checkpoint_version, load_checkpoint, save_checkpoint
from click99.segmentation.clicks import Click
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.running_demo import ROOT, RunningDemo
from tests.e2e.workplace import BRUSH, COFFEE, SPOON, Click99, Project, Workplace
from tests.server.requests import keypoint
from tests.training.snapshot import SIDE, pictures

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

IMAGES = 8  # six are the fewest that the gate judges by
CENTRE = Click(SIDE // 2, SIDE // 2, True)
OTHER_PROJECT_S = {"projects": "100000", "line": "", "gate": {"promoted": True}}
NOISE = 2.0  # of the decoder's weights: it finds hardly anything any more


@pytest.fixture(scope="module")
def learning(demo: RunningDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Click99]:
    """A server of its own, whose fine-tunes train for seconds. It answers with what another project has
    taught it, which is no good at all for this one; what this one learns begins at the shipped version."""
    server = Click99(demo, tmp_path_factory.mktemp("learning"))
    registry = Registry.at(server.home)
    made = registry.add(noisy(server.home / "noisy.safetensors"), **OTHER_PROJECT_S)
    registry.promote(made.name, "for another project")
    server.environment |= {
        "CLICK99_RETRAIN_MINUTES": "0.2",
        "CLICK99_BASE_DATA": str(ROOT / "tests" / "pictures"),
    }
    with server:
        yield server


@pytest.fixture(scope="module")
def lesson(workplace: Workplace, learning: Click99) -> Project:
    """A project on that server, with as many small pictures as a fine-tune needs."""
    client = workplace.client
    made = client.call("POST", "/api/projects", json={"title": "learning", "label_config": BRUSH})
    connect(client, made["id"], learning.url)
    client.call("POST", f"/api/projects/{made['id']}/import", files=small_pictures())
    return Project(client, made["id"], workplace.picture("coffee.png"))


def noisy(file: Path) -> Path:
    """The shipped network, its decoder spoilt."""
    network = load_checkpoint(SHIPPED)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in network.decoder.parameters():
            weight.add_(NOISE * weight.std(correction=0) * torch.randn_like(weight))
    save_checkpoint(network, file)
    return file


def small_pictures() -> dict[str, tuple[str, bytes]]:
    """Discs on noise."""
    files = dict[str, tuple[str, bytes]]()
    for k, (image, _) in enumerate(itertools.islice(pictures(), IMAGES)):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        files[f"{k}.png"] = (f"{k}.png", file.getvalue())
    return files


def annotate_all(learning: Click99, lesson: Project) -> None:
    """One click in the middle of each disc, its mask corrected and submitted, by Label Studio's own API."""
    tasks = sorted(lesson.client.tasks(lesson.id, 100), key=lambda task: task["data"]["image"][-5:])
    for task, (_, mask) in zip(tasks, pictures(), strict=False):
        click = keypoint(
            f"{task['id']}", CENTRE.x, CENTRE.y, size=(SIDE, SIDE), label="Object", from_name="click"
        )
        request = {
            "tasks": [lesson.read(task["id"])],
            "project": f"{lesson.id}.0",
            "label_config": BRUSH,
            "params": {"context": {"result": [click]}},
        }
        reply = requests.post(f"{learning.url}/predict", json=request, timeout=120).json()
        region = reply["results"][0]["result"][0]
        region["value"]["rle"] = brush.encode(mask)
        lesson.submit(task["id"], region)


def masks_of(learning: Click99, lesson: Project) -> int:
    """Masks of the lesson in the record; looked for anew, events may have been missed."""
    said = learning.run("sync", "--project", str(lesson.id))
    assert said.returncode == 0, said.stderr
    found = learning.recorded().values()
    return sum(each.annotation.project.startswith(f"{lesson.id}.") for each in found)


def version_of_click(studio: LabellingPage, click: Click) -> str:
    """Click in the browser -> the model version that Label Studio gets with the mask."""
    with studio.page.expect_response(lambda response: "interactive-annotating" in response.url) as info:
        studio.send_click(click)
    told: dict[str, Any] = info.value.json()["data"]
    assert told["result"], told
    studio.rest()
    return told["model_version"]


def start_training(studio: LabellingPage, project: int) -> None:
    """Settings → Model → ⋯ → Start Training, and again in the dialog that explains it."""
    page = studio.page
    page.goto(f"{studio.address}/projects/{project}/settings/ml")
    page.get_by_label("Machine learning model options").click()
    page.get_by_text("Start Training", exact=True).click()
    page.get_by_role("button", name="Start Training").click()
    page.get_by_text("Request Sent!").wait_for()
    studio.screenshot("learning-1-training-started")


def hurry(job: Job) -> None:
    """It makes way for clicks, here for all that other tests do: no more, where root may change that."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, job.process, os.getpriority(os.PRIO_PROCESS, 0))


def finished(studio: LabellingPage, jobs: Jobs, number: int) -> Job:
    """The job, once it is over: a little training, and the gate, which takes longer."""
    studio.wait_until(lambda: jobs.get(number).state != "running", seconds=900)
    job = jobs.get(number)
    print(f"job {job.number}: {job.state}, {job.message}")
    return job


def test_what_was_learnt_by_button_answers_the_next_click(
    learning: Click99, lesson: Project, studio: LabellingPage
):
    annotate_all(learning, lesson)
    first, second = lesson.task(), lesson.task()
    studio.work_on(lesson.id, first)
    before = version_of_click(studio, COFFEE)
    assert version_of_click(studio, SPOON) == before
    studio.reject()
    studio.wait_until(lambda: masks_of(learning, lesson) == IMAGES)
    start_training(studio, lesson.id)
    jobs = Jobs.at(learning.home)
    assert jobs.get(1).why == f"Label Studio's button, project {lesson.id}"
    assert jobs.get(1).projects == str(lesson.id)
    hurry(jobs.get(1))
    assert "running" in learning.run("models", "jobs").stdout
    studio.work_on(lesson.id, second)
    studio.wait_until(lambda: jobs.get(1).progress.get("phase") in ("training", "gate"), seconds=300)
    assert version_of_click(studio, COFFEE) == before, "annotating goes on meanwhile"
    studio.accept()
    studio.submit()
    job = finished(studio, jobs, 1)
    assert job.state == "promoted", job.message
    candidate = Registry.at(learning.home).get(job.progress["candidate"])
    assert candidate.parent == checkpoint_version(SHIPPED), "not what another project taught"
    answers = f'click99_model_served{{version="{candidate.name}"}}'
    studio.wait_until(lambda: answers in told(learning))
    studio.work_on(lesson.id, lesson.task())
    assert version_of_click(studio, COFFEE) == candidate.name
    assert version_told(learning) == before, "whoever belongs to no line is answered as before"
    studio.screenshot("learning-3-new-version")
    studio.accept()
    studio.submit()
    for command in (["models", "list"], ["models", "diff", candidate.name], ["models", "jobs"]):
        print(learning.run(*command).stdout)


def told(learning: Click99) -> str:
    return requests.get(f"{learning.url}/metrics", timeout=60).text


def version_told(learning: Click99) -> str:
    return requests.get(f"{learning.url}/health", timeout=60).json()["model_version"]

"""Ten pictures of one kind, labelled in the browser: the first click on the last one knows what the first one
could not."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sqlalchemy import select

from click99.annotations.database import Database, sqlite_url
from click99.annotations.masks import Bits
from click99.annotations.tables import LessonRow
from click99.labelstudio import brush
from click99.segmentation.metrics import iou
from click99.segmentation.robot import robot_click
from tests.e2e.labelling_page import LabellingPage
from tests.e2e.workplace import Click99, Project, Workplace, mask_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

PICTURES = 10
EDGE = 30  # pixels that the page may hide on either side of a wide picture
WIDTH, HEIGHT, ROAD = 600, 400, 14


@pytest.fixture
def project(workplace: Workplace) -> Project:
    """One whose pictures are all of roads."""
    made = workplace.project("roads from above")
    files = {f"{k}.png": (f"{k}.png", png(roads(k)[0])) for k in range(PICTURES)}
    made.client.call("POST", f"/api/projects/{made.id}/import", files=files)
    return made


def roads(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey roads across woods, uint8 RGB [H, W, 3], and their mask: no window holds a road alone."""
    rng = np.random.default_rng(seed)
    woods = Image.fromarray(rng.integers(0, 255, (HEIGHT // 12, WIDTH // 12, 3), np.uint8))
    ground = np.asarray(woods.resize((WIDTH, HEIGHT))) * [0.25, 0.35, 0.2] + [40, 80, 40]
    drawn = Image.new("L", (WIDTH, HEIGHT))
    for k in range(3):
        begin, end = (int(each) for each in rng.integers(0, WIDTH if k == 1 else HEIGHT, 2))
        across = [(begin, 0), (end, HEIGHT)] if k == 1 else [(0, begin), (WIDTH, end)]
        ImageDraw.Draw(drawn).line(across, 255, ROAD)
    mask = np.asarray(drawn) > 0
    image = np.where(mask[..., None], [170, 165, 160], ground) + rng.normal(0, 8, (HEIGHT, WIDTH, 3))
    return np.clip(image, 0, 255).astype(np.uint8), mask


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def label(studio: LabellingPage, project: Project, task: int, truth: np.ndarray, name: str) -> float:
    """One click, kept and submitted, its mask then painted right as with the brush -> IoU of the click."""
    studio.work_on(project.id, task)
    click = robot_click(truth[:, EDGE:-EDGE], np.zeros_like(truth[:, EDGE:-EDGE]))
    assert click
    (region,) = studio.click(replace(click, x=click.x + EDGE)).regions
    studio.screenshot(name)
    studio.accept()
    studio.submit()
    path = f"/api/tasks/{task}/annotations/"
    (saved,) = project.client.call("GET", path)
    for item in saved["result"]:
        if item["id"] == region["id"] and "rle" in item["value"]:
            item["value"]["rle"] = brush.encode(np.where(truth, np.uint8(255), np.uint8(0)))
    project.client.call("PATCH", f"/api/annotations/{saved['id']}/", json={"result": saved["result"]})
    return iou(mask_of(region), truth)


def is_learnt(click99: Click99, task: int, truth: np.ndarray) -> bool:
    """Whether there is a lesson of the mask as it was painted, no longer of the one that was submitted."""
    with Database(sqlite_url(click99.home)).reading() as session:
        found = session.scalars(select(LessonRow.mask).where(LessonRow.task == str(task)))
        return Bits.pack(truth).key in found.all()


def test_the_last_pictures_first_click_knows_what_the_others_taught(
    click99: Click99, project: Project, studio: LabellingPage
):
    tasks = {task["data"]["image"][-5:]: task["id"] for task in project.client.tasks(project.id, 100)}
    ious = list[float]()
    for k in range(PICTURES):
        task, truth = tasks[f"{k}.png"], roads(k)[1]
        ious.append(label(studio, project, task, truth, f"memory-{k + 1}"))
        studio.wait_until(lambda task=task, truth=truth: is_learnt(click99, task, truth))
    print(f"IoU after one click on each picture: {', '.join(f'{each:.2f}' for each in ious)}")
    shown = click99.run("memory", "list").stdout
    print(shown)
    assert "roads from above" in shown
    assert ious[0] < 0.5
    assert np.mean(ious[-5:]) > 0.7

"""The server with the network that is shipped: good masks, and the same ones again after a restart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from click99.labelstudio import brush
from click99.segmentation.clicks import Click
from click99.segmentation.robot import robot_click
from click99.server.app import create_app
from click99.server.settings import Settings
from tests.openvino_engine import needs_openvino
from tests.server.requests import body, data_uri, keypoint

pytestmark = pytest.mark.slow("clicks with the network that ships")

HEIGHT, WIDTH = 240, 320


def ellipse() -> np.ndarray:
    truth = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(truth, (150, 120), (90, 55), 20, 0, 360, 1, -1)
    return truth.astype(bool)


def picture(truth: np.ndarray) -> str:
    """A bright object on a dark ground, both noisy, as a data URI."""
    clean = np.where(truth[..., None], (190, 150, 90), (70, 70, 80))
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 12, clean.shape), 0, 255).astype(np.uint8)
    return data_uri(cv2.imencode(".png", noisy[..., ::-1])[1].tobytes())


TRUTH = ellipse()
IMAGE = picture(TRUTH)


def request(clicks: list[Click], name: str = "object") -> dict[str, Any]:
    items = [
        keypoint(f"{name} {k}", click.x, click.y, positive=click.positive, size=(WIDTH, HEIGHT))
        for k, click in enumerate(clicks)
    ]
    return body(items, IMAGE)


def answer(server: TestClient, clicks: list[Click], name: str = "object") -> bytes:
    response = server.post("/predict", json=request(clicks, name))
    assert response.status_code == 200, response.text
    return response.content


def mask(server: TestClient, clicks: list[Click]) -> np.ndarray:
    item = server.post("/predict", json=request(clicks)).json()["results"][0]["result"][0]
    return brush.decode(item["value"]["rle"], HEIGHT, WIDTH) > 127


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(params=["eager", pytest.param("openvino", marks=needs_openvino)])
def settings(request: pytest.FixtureRequest, tmp_path: Path, engines: Path) -> Settings:
    (tmp_path / "engines").symlink_to(engines)  # converted once
    return Settings(home=tmp_path, engine=request.param)


@pytest.fixture
def server(settings: Settings) -> TestClient:
    return TestClient(create_app(settings))


def test_a_few_robot_clicks_find_the_object(server: TestClient):
    clicks: list[Click] = []
    found = np.zeros_like(TRUTH)
    for _ in range(4):
        click = robot_click(TRUTH, found)
        assert click is not None
        clicks.append(click)
        found = mask(server, clicks)
    assert (found & TRUTH).sum() / (found | TRUTH).sum() > 0.9


CLICKS = [Click(150, 120, True), Click(30, 30, False), Click(200, 140, True)]


def test_clicking_on_and_replaying_after_a_restart_give_the_same_bytes(
    settings: Settings, server: TestClient
):
    clicked = [answer(server, CLICKS[:k]) for k in (1, 2, 3)]
    replayed = answer(TestClient(create_app(settings)), CLICKS)
    assert replayed == clicked[-1]
    assert answer(server, CLICKS[:2]) == clicked[1]


def test_people_clicking_at_once_get_what_they_would_get_alone(settings: Settings, server: TestClient):
    objects = [[Click(c.x + 4 * k, c.y, c.positive) for c in CLICKS[:2]] for k in range(4)]
    names = [f"object {k}" for k in range(4)]
    alone = [answer(server, clicks, name) for clicks, name in zip(objects, names, strict=True)]
    other = TestClient(create_app(settings))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pair: answer(other, *pair), zip(objects, names, strict=True)))
    assert together == alone

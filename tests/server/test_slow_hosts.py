"""A real server, and hosts and events that would hold up everybody."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from pkgutil import resolve_name
from threading import Event
from typing import Any

import pytest
import requests

from click99.labelstudio.images import ImageSource
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.loose_values import listed
from click99.labelstudio.regions import with_clicks
from click99.labelstudio.unaccepted import unaccepted_prompts
from click99.segmentation.clicks import Click
from tests.labelstudio.slow_hosts import listening, says_nothing
from tests.server.command import serving
from tests.server.in_process import running
from tests.server.requests import CONFIG, body, keypoint

pytestmark = pytest.mark.slow("waits for slow hosts")

MANY = 2000
SIZES = {"original_width": 64, "original_height": 48}


def test_clicks_go_on_while_a_host_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert ImageSource.__init__.__kwdefaults__
    monkeypatch.setitem(ImageSource.__init__.__kwdefaults__, "timeout", 15.0)
    with listening(says_nothing) as host, running(tmp_path, allowed_hosts=host) as url:
        lost = [body([keypoint("a", 20, 20)], f"http://{host}/{number}.png") for number in range(60)]
        good = body([keypoint("a", 20, 20)])
        assert requests.post(f"{url}/predict", json=good, timeout=20).ok
        with ThreadPoolExecutor(60) as pool:
            waits = [pool.submit(requests.post, f"{url}/predict", json=one, timeout=60) for one in lost]
            time.sleep(1)
            assert requests.post(f"{url}/predict", json=good, timeout=60).ok
            assert requests.get(f"{url}/health", timeout=60).ok
            assert not any(wait.done() for wait in waits), "they were waiting all the time"
            assert {wait.result().status_code for wait in waits} == {422}


@pytest.mark.timeout(250)
def test_a_server_ends_while_a_host_says_nothing(tmp_path: Path):
    with listening(says_nothing) as host, ThreadPoolExecutor(1) as pool:
        lost = body([keypoint("a", 20, 20)], f"http://{host}/a.png")
        with serving(tmp_path, "--allowed-hosts", host) as url:
            waits = pool.submit(requests.post, f"{url}/predict", json=lost, timeout=60)
            time.sleep(2)
            assert not waits.done()
            began = time.monotonic()
        assert time.monotonic() - began < 22, "the image's own time is 30 s"


def lost_masks() -> list[dict[str, Any]]:
    """As many boxes as masks, each mask made from another click."""
    box = {"x": 10, "y": 10, "width": 9, "height": 9, "rectanglelabels": ["cell"]}
    boxes = [
        {"id": f"b{k}", "type": "rectanglelabels", "from_name": "box", "to_name": "image", "value": box}
        for k in range(MANY)
    ]
    names = {"type": "brushlabels", "from_name": "brush", "to_name": "image"}
    masks = [
        {"id": f"m{k}", "value": {"rle": [], "brushlabels": ["cell"]}}
        | SIZES
        | names
        | {"meta": with_clicks({}, [Click(1, 1, True, f"c{k}")])}
        for k in range(MANY)
    ]
    return boxes + masks


BOXES = '<RectangleLabels name="box" toName="image" smart="true" smartOnly="true"><Label value="cell"/>'
WITH_BOXES = CONFIG.replace("</View>", f"{BOXES}</RectangleLabels></View>")


def test_lost_masks_are_found_in_linear_time():
    items, config = listed(lost_masks()), LabelConfig.parse(WITH_BOXES)
    began = time.thread_time()
    assert len(unaccepted_prompts(items, config, 3)) == MANY
    assert time.thread_time() - began < 1.5


def test_controls_in_controls_are_read_in_linear_time():
    tag = '<KeyPointLabels name="k{}" toName="image"><Label value="cell"/>'
    inside = "".join(map(tag.format, range(8000))) + "</KeyPointLabels>" * 8000
    began = time.thread_time()
    config = LabelConfig.parse(CONFIG.replace("</View>", f"{inside}</View>"))
    assert len(config.keypoints) == 8001
    assert all(config.target(f"k{number}", "cell") for number in range(8000))
    assert time.thread_time() - began < 1.5


@pytest.mark.parametrize("part", ["app:parse", "app:keep", "service:Service.look_at"])
def test_health_answers_while_an_event_is_read(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """However long one of the parts of it takes, which here begins and ends with the test."""
    begun, answered, takes_long = Event(), Event(), resolve_name(f"click99.server.{part}")

    def wait(*given: Any) -> Any:
        begun.set()
        assert answered.wait(90)
        return takes_long(*given)

    monkeypatch.setattr(f"click99.server.{part.replace(':', '.')}", wait)
    told = {"id": 9, "task": 3, "result": lost_masks()}
    sent = {"action": "ANNOTATION_UPDATED", "annotation": told, "task": {"id": 3}}
    sent["project"] = {"id": 1, "label_config": WITH_BOXES}
    with running(tmp_path) as url, ThreadPoolExecutor(1) as pool:
        reply = pool.submit(requests.post, f"{url}/webhook", json=sent, timeout=120)
        assert begun.wait(60)
        assert requests.get(f"{url}/health", timeout=60).ok
        answered.set()
        assert reply.result().ok

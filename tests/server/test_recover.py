"""A mask that is submitted before anyone accepted it: said aloud, counted, and made again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from click99.annotations.damaged_annotations import DamagedAnnotations
from click99.cli import app
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.unaccepted import unaccepted_prompts
from click99.server import service as service_module
from click99.server.recover import DamagedAnnotation, remake
from click99.server.service import Service
from click99.server.settings import Settings
from tests.disc_painter import DiscPainter
from tests.labelstudio.site import Site, running
from tests.server.annotator import Annotator
from tests.server.boxes import WITH_BOXES, answer, box
from tests.server.requests import CONFIG, IMAGE, as_click, counted, keypoint, mask_of

TASK = {"id": 3, "data": {"image": IMAGE}}  # as in `body`


def lost(ann: Annotator) -> DamagedAnnotation:
    """What `recover` finds; it knows nothing but what was saved."""
    items = ann.annotations[0]["result"]
    clicks = unaccepted_prompts(items, LabelConfig.parse(CONFIG), 3)
    return DamagedAnnotation({"id": 1, "label_config": CONFIG}, TASK, ann.annotations[0], clicks)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(Settings(home=tmp_path / "another"), DiscPainter())


def saved(result: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["id"], item["type"]) for item in result]


def test_a_new_objects_mask_is_made_again_bit_for_bit(server: TestClient, service: Service):
    ann = Annotator(server)
    for x in (20, 26, 32):
        shown = ann.click(x, 20)
    ann.submit_and_tell()
    result, (region,) = remake(service, lost(ann))
    assert saved(result) == [(region["id"], "brushlabels")]
    assert np.array_equal(ann.mask(result[0]), shown)


def test_clicks_that_make_nothing_are_taken_away(server: TestClient, service: Service):
    ann = Annotator(server)
    ann.click(20, 20)
    ann.accept()
    ann.label = "nucleus"
    ann.click(40, 30, positive=False)
    ann.submit_and_tell()
    result, masks = remake(service, lost(ann))
    assert (saved(result), masks) == ([(ann.regions[0], "brushlabels")], [{}])


def test_a_refinement_is_made_again_in_place(server: TestClient, service: Service):
    ann = Annotator(server)
    ann.click(20, 20)
    ann.accept()
    (region,) = ann.regions
    ann.click(32, 20)
    shown = ann.click(26, 28, positive=False)
    ann.submit_and_tell()
    result, _ = remake(service, lost(ann))
    assert saved(result) == [(region, "brushlabels")]
    assert np.array_equal(ann.mask(result[0]), shown)


def test_what_was_filled_in_for_a_region_stays_when_its_mask_is_made_again(
    server: TestClient, service: Service
):
    ann = Annotator(server)
    ann.click(20, 20)
    ann.accept()
    (region,) = ann.regions
    ann.click(32, 20)
    chosen = {"id": region, "from_name": "extent", "to_name": "image", "type": "choices"}
    ann.canvas["chosen"] = chosen | {"value": {"choices": ["cut"]}}
    ann.submit_and_tell()
    result, _ = remake(service, lost(ann))
    assert saved(result) == [(region, "brushlabels"), (region, "choices")]


def test_a_refinement_of_what_was_accepted_on_the_canvas_is_made_again(server: TestClient, service: Service):
    ann = Annotator(server)
    ann.click(20, 20)
    ann.accept_on_canvas()
    (region,) = ann.regions
    shown = ann.click(32, 20)
    ann.submit_and_tell()
    assert counted(server, "click99_unaccepted_total") == 1
    result, _ = remake(service, lost(ann))
    assert saved(result) == [(region, "brushlabels")]
    assert np.array_equal(ann.mask(result[0]), shown)


def test_several_lost_objects_come_back_and_the_rest_stays(server: TestClient, service: Service):
    ann = Annotator(server)
    ann.click(10, 40)
    ann.accept()
    shown = [ann.click(20, 10)]
    ann.label = "nucleus"
    shown.append(ann.click(50, 30))
    ann.canvas["choice"] = {"id": "choice", "type": "choices", "value": {"choices": ["good"]}}
    ann.submit_and_tell()
    result, regions = remake(service, lost(ann))
    assert [kind for _, kind in saved(result)] == ["brushlabels", "choices", "brushlabels", "brushlabels"]
    assert [region["value"]["brushlabels"] for region in regions] == [["cell"], ["nucleus"]]
    for item, mask in zip(result[2:], shown, strict=True):
        assert np.array_equal(ann.mask(item), mask)


@pytest.fixture
def label_studio(server: TestClient) -> Iterator[Site]:
    """With task 3, and annotation 9 that was submitted before its mask was accepted."""
    ann = Annotator(server)
    ann.click(20, 20)
    ann.submit_and_tell()
    with running() as site:
        for path, reply in {
            "annotations/9": ann.annotations[0] | {"task": 3},
            "tasks/3": TASK | {"project": 1},
            "projects/1": {"id": 1, "label_config": CONFIG},
        }.items():
            site.serve(f"/api/{path}/", json.dumps(reply).encode())
        yield site


@pytest.fixture
def recover(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, label_studio: Site) -> Callable[..., Result]:
    """Runs the command on the server's own folder, with a painter for a network."""
    monkeypatch.setattr(service_module, "load_served", lambda _: DiscPainter())
    address = ["--label-studio-url", label_studio.url, "--label-studio-api-key", "0" * 40]

    def run(*options: str) -> Result:
        runner = CliRunner(env={"COLUMNS": "200"})
        return runner.invoke(app, ["recover", "--home", str(tmp_path), *address, *options])

    return run


def test_a_dry_run_shows_what_was_noted_and_writes_nothing(recover: Callable[..., Result], tmp_path: Path):
    shown = recover()
    assert shown.exit_code == 0, shown.output
    for part in ("project 1, task 3, annotation 9", "cell", "score", "--apply"):
        assert part in shown.output
    assert DamagedAnnotations(tmp_path).all() == [9]


def test_an_annotation_that_is_gone_is_noted_no_longer(
    recover: Callable[..., Result], label_studio: Site, tmp_path: Path
):
    del label_studio.pages["/api/annotations/9/"]
    shown = recover("--apply")
    assert shown.exit_code == 0, shown.output
    assert "has its mask" in shown.output
    assert DamagedAnnotations(tmp_path).all() == []


@pytest.mark.slow("asks a stand-in for Label Studio")
def test_a_mask_saved_twice_is_shown_and_kept_once(recover: Callable[..., Result], label_studio: Site):
    region = {"id": "a", "type": "brushlabels", "value": {"rle": [1, 2], "brushlabels": ["cell"]}}
    items = [region, as_click(region)]
    annotation = {"id": 9, "task": 3, "updated_at": "now", "result": items}
    label_studio.serve("/api/annotations/9/", json.dumps(annotation).encode())
    shown = recover()
    assert shown.exit_code == 0, shown.output
    for part in ("project 1, task 3, annotation 9", "saved twice", "1 kept once", "--apply"):
        assert part in shown.output
    assert label_studio.bodies == []
    assert recover("--apply").exit_code == 0
    assert label_studio.bodies == [{"result": [region]}]


def test_a_lost_mask_is_made_again_beside_one_saved_twice(server: TestClient, service: Service):
    ann = Annotator(server)
    ann.click(10, 40)
    ann.accept()
    (region,) = ann.regions
    ann.canvas["twice"] = as_click(ann.canvas[region])
    shown = ann.click(50, 10)
    ann.submit_and_tell()
    result, (made,) = remake(service, lost(ann))
    assert saved(result) == [(region, "brushlabels"), (made["id"], "brushlabels")]
    assert np.array_equal(ann.mask(result[1]), shown)


@pytest.mark.slow("asks a stand-in for Label Studio")
def test_what_cannot_be_made_is_named_and_stays_noted(
    recover: Callable[..., Result], label_studio: Site, tmp_path: Path
):
    label_studio.serve("/api/tasks/3/", json.dumps({"id": 3, "project": 1, "data": {}}).encode())
    shown = recover("--apply")
    assert shown.exit_code == 1
    assert "tasks[0].data.image" in shown.output
    assert DamagedAnnotations(tmp_path).all() == [9]


SMART_ONLY = WITH_BOXES.replace('name="box" toName="image"', 'name="box" toName="image" smartOnly="true"')


def test_a_boxs_mask_is_made_again(server: TestClient, service: Service):
    shown = answer(server, box(20, 10, 50, 40), label_config=SMART_ONLY)
    saved_box = box(20, 10, 50, 40)
    (clicks,) = unaccepted_prompts([saved_box], LabelConfig.parse(SMART_ONLY), 3)
    lost = DamagedAnnotation(
        {"id": 1, "label_config": SMART_ONLY}, TASK, {"id": 9, "result": [saved_box]}, [clicks]
    )
    result, _ = remake(service, lost)
    assert saved(result) == [(shown["id"], "brushlabels")]
    assert np.array_equal(mask_of(result[0]), mask_of(shown))


def test_clicks_on_a_boxs_mask_are_made_again_after_it(server: TestClient, service: Service):
    click = keypoint("a", 28, 25, positive=False)
    Annotator(server).open()
    answer(server, box(20, 10, 50, 40), label_config=SMART_ONLY)
    shown = answer(server, click, label_config=SMART_ONLY)
    items = [click, box(20, 10, 50, 40)]
    clicks = unaccepted_prompts(items, LabelConfig.parse(SMART_ONLY), 3)
    lost = DamagedAnnotation({"id": 1, "label_config": SMART_ONLY}, TASK, {"id": 9, "result": items}, clicks)
    result, _ = remake(service, lost)
    assert saved(result) == [(shown["id"], "brushlabels")]
    assert np.array_equal(mask_of(result[0]), mask_of(shown))


@pytest.mark.parametrize("refined", [False, True])
def test_a_boxs_mask_that_was_accepted_on_the_canvas_is_not_lost(server: TestClient, refined: bool):
    items = [box(20, 10, 50, 40), *([keypoint("a", 28, 25, positive=False)] if refined else [])]
    Annotator(server).open()
    answers = [answer(server, item, label_config=SMART_ONLY) for item in items]
    assert unaccepted_prompts([*items, answers[-1]], LabelConfig.parse(SMART_ONLY), 3) == []

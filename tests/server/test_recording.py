"""The server's record: every click and event, without waiting for the database, and joined by the region."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from click99.annotations import masks
from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import AnnotationRow, ClickRow, EventRow, MaskRow, RegionRow
from click99.server import recording
from click99.sessions import ways
from tests.server.annotator import Annotator, event
from tests.server.requests import CONFIG, WITHOUT_LABELS, Start, body, dot, keypoint
from tests.waiting import until


def mask_of(home: Path, key: str) -> np.ndarray:
    with Database(sqlite_url(home)).reading() as session:
        return masks.pixels(session.get_one(MaskRow, key))


def test_clicks_are_recorded_with_their_masks(server: TestClient, tmp_path: Path, read: Callable[..., list]):
    ann = Annotator(server)
    ann.click(20, 20)
    shown = ann.click(30, 30, positive=False)
    first, second = sorted(read(ClickRow, 2), key=lambda click: click.place)
    assert (second.x, second.y, second.positive, second.label) == (30, 30, False, "cell")
    assert (second.project, second.task, second.model_version) == ("1.1795475271", "3", "discs-1")
    assert (first.origin, second.origin, second.parent) == ("nothing", "click", first.state)
    assert ann.suggestion
    assert second.region == ann.suggestion["id"]
    assert 0 < second.milliseconds < 60_000
    assert np.array_equal(mask_of(tmp_path, second.mask), shown)


def test_clicks_without_a_label_are_recorded_under_that_of_the_answer(
    server: TestClient, read: Callable[..., list]
):
    first = body([dot("a", 20, 20)], label_config=WITHOUT_LABELS)
    (region,) = server.post("/predict", json=first).json()["results"][0]["result"]
    saved = region | {"value": region["value"] | {"brushlabels": ["nucleus"]}}
    second = body([dot("b", 21, 20)], label_config=WITHOUT_LABELS)
    second["tasks"][0]["drafts"] = [{"id": 1, "updated_at": "2026-01-01T00:00:00Z", "result": [saved]}]
    assert server.post("/predict", json=second).status_code == 200
    assert sorted(row.label for row in read(ClickRow, 2)) == ["cell", "nucleus"]


def test_a_submitted_mask_is_joined_to_its_clicks(
    server: TestClient, tmp_path: Path, read: Callable[..., list]
):
    ann = Annotator(server)
    ann.click(20, 20)
    ann.accept()
    ann.submit()
    assert server.post("/webhook", json=event(ann)).status_code == 200
    (region,), (click,) = read(RegionRow, 1), read(ClickRow, 1)
    assert (region.id, region.project) == (click.region, click.project)
    assert region.mask == click.mask


def test_a_correction_says_what_it_started_from(
    server: TestClient, tmp_path: Path, read: Callable[..., list]
):
    ann = Annotator(server)
    ann.click(20, 20)
    ann.accept()
    (region,) = ann.regions
    ann.stroke(region, "add", 20, 31, 30, 31)
    before = ann.region(region)
    ann.click(24, 20, positive=False)
    _, correction = sorted(read(ClickRow, 2), key=lambda click: click.asked_at)
    assert (correction.region, correction.origin, correction.parent) == (region, "draft", None)
    assert np.array_equal(mask_of(tmp_path, correction.start), before)


def test_an_accepted_mask_that_is_not_saved_yet_is_an_origin_too(
    server: TestClient, read: Callable[..., list], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ways, "MOST", 1)  # it has too many clicks to go on with all
    ann = Annotator(server, auto_accept=True, slow_drafts=True)
    ann.open()
    ann.click(20, 20)
    ann.click(22, 20, positive=False)
    assert {click.origin for click in read(ClickRow, 2)} == {"nothing", "accepted"}


def test_a_box_is_recorded(start: Start, read: Callable[..., list]):
    config = CONFIG.replace(
        "</View>",
        '<RectangleLabels name="box" toName="image" smart="true">'
        '<Label value="cell"/></RectangleLabels></View>',
    )
    value = {"x": 25.0, "y": 25.0, "width": 50.0, "height": 50.0, "rectanglelabels": ["cell"]}
    box = keypoint("b", 0, 0, type="rectanglelabels", from_name="box", value=value)
    reply = start().post("/predict", json=body([box], label_config=config))
    assert reply.status_code == 200, reply.text
    (click,) = read(ClickRow, 1)
    assert (click.origin, click.box) == ("box", "16 12 48 36")


@pytest.mark.slow("locks a database")
def test_neither_clicks_nor_events_wait_for_a_locked_database(
    server: TestClient, tmp_path: Path, read: Callable[..., list]
):
    read(ClickRow, 0)
    other = sqlite3.connect(tmp_path / "click99.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ann = Annotator(server)
    begun = time.perf_counter()
    ann.click(20, 20)
    ann.accept()
    ann.submit()
    assert server.post("/webhook", json=event(ann)).status_code == 200
    assert time.perf_counter() - begun < 3, "the database is waited for five seconds"
    until(lambda: "click99_record_failing 1.0" in server.get("/metrics").text)
    assert 'click99_record_waiting{kind="click"} 1.0' in server.get("/metrics").text
    assert 'click99_record_waiting{kind="event"} 1.0' in server.get("/metrics").text
    other.execute("ROLLBACK")
    read(ClickRow, 1)
    read(AnnotationRow, 1)
    until(lambda: "click99_record_failing 0.0" in server.get("/metrics").text)


def test_an_event_is_on_the_disk_when_it_is_answered(start: Start, tmp_path: Path, read: Callable[..., list]):
    read(EventRow, 0)
    other = sqlite3.connect(tmp_path / "click99.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    sent = {"action": "ANNOTATION_CREATED", "project": {"id": 1}}
    assert start().post("/webhook", json=sent).status_code == 200
    (file,) = (tmp_path / "events").glob("*.json")
    assert json.loads(file.read_bytes()) == sent
    other.execute("ROLLBACK")


def test_an_event_that_the_disk_does_not_take_is_refused_loudly(
    server: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "events").touch()
    reply = server.post("/webhook", json={"action": "ANNOTATION_CREATED"})
    assert reply.status_code == 507
    assert "click99 sync" in reply.json()["detail"]
    assert "CLICK99_HOME" in caplog.text
    assert 'click99_errors_total{kind="NotKeptError"} 1.0' in server.get("/metrics").text


def test_duplicates_are_taken_and_kept_once(server: TestClient, read: Callable[..., list]):
    sent = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 7}]}
    assert [server.post("/webhook", json=sent).status_code for _ in range(3)] == [200] * 3
    server.post("/webhook", json={"action": "PROJECT_UPDATED"})
    assert [event.action for event in read(EventRow, 2)] == ["ANNOTATIONS_DELETED", "PROJECT_UPDATED"]
    (annotation,) = read(AnnotationRow, 1)
    assert annotation.deleted_at


def test_an_event_that_cannot_be_read_is_kept(server: TestClient, read: Callable[..., list]):
    assert server.post("/webhook", json={"action": "ANNOTATION_CREATED", "annotation": {}}).status_code == 200
    (kept,) = read(EventRow, 1)
    assert "annotation" in kept.problem


@pytest.mark.slow("many events")
def test_what_the_record_cannot_hold_holds_up_nothing(
    server: TestClient, tmp_path: Path, read: Callable[..., list]
):
    ann = Annotator(server)
    ann.click(20, 20)
    ann.accept()
    ann.submit()
    odd, good = event(ann), event(ann)
    odd["annotation"]["updated_at"] = "0001-01-01T00:00:00+14:00"
    for sent in (odd, good):
        assert server.post("/webhook", json=sent).status_code == 200
    read(AnnotationRow, 1)
    assert {kept.problem is None for kept in read(EventRow, 2)} == {True, False}
    assert 'click99_record_set_aside_total{kind="event"} 1.0' in server.get("/metrics").text


def test_a_record_that_fails_harms_no_click(
    server: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(recording, "answered_click", lambda *answer: 1 / 0)
    assert server.post("/predict", json=body([keypoint("a", 20, 20)])).status_code == 200
    assert "is not recorded" in caplog.text

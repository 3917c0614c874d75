"""Events in the record: raw first, then what they tell, in whatever order and however often they come."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from click99.annotations import answered_clicks, masks
from click99.annotations.database import Database
from click99.annotations.tables import (
    AnnotationRow,
    ClickRow,
    EventRow,
    MaskRow,
    RecordRow,
    RegionRow,
    TaskRow,
)
from tests.annotations.examples import (
    NOON,
    PROJECT,
    PROJECT_KEY,
    answered_click,
    brush_item,
    deleted,
    disc,
    keep,
    saved,
)
from tests.recorded import PAYLOADS, RECORDED, needs_recorded


def rows(database: Database, table: type[RecordRow]) -> list[Any]:
    with database.reading() as session:
        return list(session.scalars(select(table)))


def content(database: Database) -> list[tuple]:
    """What is known of annotations in the end."""
    with database.reading() as session:
        found = session.execute(
            select(AnnotationRow, RegionRow).outerjoin(RegionRow, RegionRow.annotation == AnnotationRow.id)
        )
        return [(a.id, a.updated_at, a.deleted_at, r and (r.id, r.mask)) for a, r in found]


def test_an_annotation_and_its_masks_are_kept(database: Database):
    assert keep(database, saved(brush_item("object"))) == [True]
    (annotation,), (region,) = rows(database, AnnotationRow), rows(database, RegionRow)
    assert (annotation.project, annotation.id, annotation.task) == (PROJECT_KEY, "9", "3")
    assert (annotation.annotator, annotation.lead_time, annotation.updated_at) == ("4", 8.5, NOON)
    assert (region.id, region.label, region.origin) == ("object", "cell", "prediction")
    with database.reading() as session:
        assert np.array_equal(masks.pixels(session.get_one(MaskRow, region.mask)), disc())
    (task,) = rows(database, TaskRow)
    assert json.loads(task.data) == {"image": "/data/upload/a.png"}


def test_the_raw_event_is_kept_as_it_was(database: Database):
    body = saved(brush_item())
    keep(database, body)
    (event,) = rows(database, EventRow)
    assert event.body == body
    assert (event.action, event.problem, event.received_at) == ("ANNOTATION_CREATED", None, NOON)


def test_clicks_and_the_saved_mask_are_joined_by_the_region(database: Database):
    with database.writing() as session:
        answered_clicks.write(session, answered_click("a", region="object"))
        answered_clicks.write(session, answered_click("b", region="other"))
    keep(database, saved(brush_item("object")))
    same = (RegionRow.id == ClickRow.region) & (RegionRow.project == ClickRow.project)
    with database.reading() as session:
        joined = session.execute(select(ClickRow.click_id, RegionRow.annotation).join(RegionRow, same)).all()
    assert [tuple(row) for row in joined] == [("a", "9")]


def test_an_update_replaces_what_was_known(database: Database):
    changed = brush_item("object", np.ones((6, 10), bool), origin="prediction-changed")
    keep(
        database,
        saved(brush_item(), brush_item("gone")),
        saved(changed, action="ANNOTATION_UPDATED", minute=5),
    )
    (region,) = rows(database, RegionRow)
    assert (region.id, region.origin) == ("object", "prediction-changed")
    assert len(rows(database, EventRow)) == 2


def test_a_deletion_leaves_a_tombstone_and_the_masks(database: Database):
    keep(database, saved(brush_item()), deleted())
    (annotation,) = rows(database, AnnotationRow)
    assert annotation.deleted_at == NOON
    assert len(rows(database, RegionRow)) == 1


def test_deleted_tasks_take_their_annotations_with_them(database: Database):
    body = {"action": "TASKS_DELETED", "tasks": [{"id": 3}], "project": PROJECT}
    keep(database, saved(brush_item()), json.dumps(body).encode())
    assert rows(database, AnnotationRow)[0].deleted_at == NOON


def test_duplicates_change_nothing(database: Database):
    assert keep(database, *[saved(brush_item())] * 2, *[deleted()] * 2) == [True, False, True, False]
    assert len(rows(database, RegionRow)) == 1


STORY = [saved(brush_item()), saved(brush_item("b"), action="ANNOTATION_UPDATED", minute=1), deleted()]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_any_order_ends_the_same(database: Database, order: tuple[int, ...]):
    keep(database, *[STORY[place] for place in order])
    ((number, updated_at, deleted_at, (region, _)),) = content(database)
    assert (number, updated_at.minute, deleted_at, region) == ("9", 1, NOON, "b")


@pytest.mark.parametrize(
    "body",
    [
        {"action": "SOMETHING_OF_NEXT_YEAR", "annotation": {"id": 9, "result": []}},
        {"action": "PROJECT_UPDATED", "project": PROJECT},
        {"action": "START_TRAINING"},
    ],
    ids=lambda body: body["action"],
)
def test_other_actions_are_kept_and_tell_nothing(database: Database, body: dict[str, Any]):
    assert keep(database, json.dumps(body).encode()) == [True]
    (event,) = rows(database, EventRow)
    assert (event.action, event.problem) == (body["action"], None)
    assert rows(database, AnnotationRow) == []


def test_one_deleted_before_it_was_known_stays_deleted(database: Database):
    keep(database, deleted(77))
    (annotation,) = rows(database, AnnotationRow)
    assert (annotation.id, annotation.deleted_at, annotation.task) == ("77", NOON, None)


def test_many_at_once(database: Database):
    body = json.loads(saved(brush_item()))
    body |= {
        "action": "ANNOTATIONS_CREATED",
        "annotation": [body["annotation"], body["annotation"] | {"id": 10}],
    }
    keep(database, json.dumps(body).encode())
    assert {annotation.id for annotation in rows(database, AnnotationRow)} == {"9", "10"}


def broken(**value: Any) -> dict[str, Any]:
    return brush_item("broken") | {
        "value": {"format": "rle", "rle": [1, 2, 3], "brushlabels": ["cell"]} | value
    }


BAD_REGIONS = {
    "no mask": (broken(), "don't start as a brush mask"),
    "no numbers": (broken(rle="xyz"), "value.rle"),
    "of another image": (brush_item("broken", original_width=11), "the image's size needs"),
    "larger than any image": (
        brush_item("broken", original_width=10**6, original_height=10**6),
        "larger than",
    ),
    "no size": (brush_item("broken", original_width=None), "original_width"),
    "not a PNG": (
        brush_item("broken", type="bitmasklabels", value={"imageDataURL": "data:image/png;base64,AAAA"}),
        "no readable PNG",
    ),
    "no polygon": (brush_item("broken", type="polygonlabels", value={"points": [["a", 1]]}), ""),
}


@pytest.mark.parametrize(("item", "problem"), BAD_REGIONS.values(), ids=BAD_REGIONS.keys())
def test_a_mask_that_does_not_decode_costs_no_other(
    database: Database, caplog: pytest.LogCaptureFixture, item: dict[str, Any], problem: str
):
    keep(database, saved(item, brush_item("good")))
    regions = {region.id: region for region in rows(database, RegionRow)}
    assert regions["good"].mask
    assert regions["broken"].mask is None
    assert problem in regions["broken"].problem
    (event,) = rows(database, EventRow)
    assert "annotation 9, region broken" in event.problem
    assert "region broken" in caplog.text


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"not JSON", "body: Invalid JSON"),
        (b"{}", "action: Field required"),
        (
            b'{"action": "ANNOTATION_CREATED", "annotation": {"result": []}}',
            "annotation.0.id: Field required",
        ),
        (b'{"action": "ANNOTATION_CREATED", "annotation": {"id": 1, "updated_at": "?"}}', "updated_at"),
    ],
)
def test_what_cannot_be_read_is_kept_with_the_reason(
    database: Database, caplog: pytest.LogCaptureFixture, body: bytes, problem: str
):
    keep(database, body)
    (event,) = rows(database, EventRow)
    assert event.body == body
    assert problem in event.problem
    assert problem in caplog.text


def test_whole_events_are_read(database: Database):
    files = sorted(PAYLOADS.glob("webhook_*.json"))
    keep(database, *[file.read_bytes() for file in files])
    assert [event.problem for event in rows(database, EventRow)] == [None] * len(files)
    assert {annotation.id: bool(annotation.deleted_at) for annotation in rows(database, AnnotationRow)} == {
        "8": True,
        "9": False,
    }


@needs_recorded
def test_recorded_events_are_read(database: Database):
    files = sorted(RECORDED.glob("webhook_*.json"))
    keep(database, *[json.dumps(json.loads(file.read_text())["body"]).encode() for file in files])
    assert [event.problem for event in rows(database, EventRow)] == [None] * len(files)
    assert {annotation.id: bool(annotation.deleted_at) for annotation in rows(database, AnnotationRow)} == {
        "1": True,
        "9": False,
    }
    clicked = json.loads((RECORDED / "backend_predict_click2.json").read_text())
    assert {annotation.project for annotation in rows(database, AnnotationRow)} == {
        clicked.get("body", clicked)["project"]
    }

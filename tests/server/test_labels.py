"""Label configs that part labels from tools: Labels beside KeyPoint and Brush, Bitmask or Polygon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import RegionRow
from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.unaccepted import unaccepted_prompts
from click99.server.recover import DamagedAnnotation, remake
from click99.server.service import Service
from click99.server.settings import Settings
from tests.disc_painter import DiscPainter
from tests.server.kinds import KINDS, READ
from tests.server.requests import IMAGE, Start, click, dot, draft
from tests.waiting import until


def config(tool: str) -> str:
    return f"""<View><Image name="image" value="$image"/>
  <Labels name="label" toName="image"><Label value="cell"/><Label value="nucleus"/></Labels>
  <KeyPoint name="kp" toName="image" smart="true" smartOnly="true"/>
  <{tool.title()} name="mask" toName="image"/></View>"""


@pytest.fixture
def exact(start: Start) -> TestClient:
    return start(polygon_tolerance=0)


def answer(server: TestClient, tool: str, *clicks: dict[str, Any], **task: Any) -> list[dict[str, Any]]:
    """Of the tool and of the label, as Label Studio saves them."""
    drawn, labelled = click(server, config(tool), *clicks, **task)
    assert [(item["type"], item["from_name"]) for item in (drawn, labelled)] == [
        (tool, "mask"),
        ("labels", "label"),
    ]
    assert labelled["value"] == drawn["value"] | {"labels": labelled["value"]["labels"]}
    assert drawn["id"] == labelled["id"]
    return [drawn, labelled]


@pytest.mark.parametrize("tool", KINDS)
def test_a_region_is_answered_and_refined_under_its_id_and_label(exact: TestClient, tool: str):
    drawn, labelled = answer(exact, tool, dot("a", 20, 20))
    assert labelled["value"]["labels"] == ["cell"]
    assert READ[tool](drawn["value"])[20, 29]
    relabelled = labelled | {"value": labelled["value"] | {"labels": ["nucleus"]}}
    kept = draft(drawn, relabelled)
    refined, label = answer(exact, tool, dot("b", 29, 20, positive=False), **kept)
    assert (refined["id"], label["value"]["labels"]) == (drawn["id"], ["nucleus"])
    mask = READ[tool](refined["value"])
    assert not mask[20, 29]
    assert mask[20, 12]


def chosen(click_id: str, x: int, y: int, *labels: str) -> dict[str, Any]:
    """A click that was made after pressing these labels' keys."""
    item = dot(click_id, x, y)
    item["value"]["labels"] = list(labels)
    return item


def test_a_label_that_was_chosen_before_the_click_is_its_own(exact: TestClient):
    kept = draft(*answer(exact, "brush", dot("a", 20, 20)))
    for place, label, refines in ((21, "cell", True), (21, "nucleus", False), (36, "cell", False)):
        drawn, labelled = answer(exact, "brush", chosen(f"b{place}{label}", place, 20, label), **kept)
        assert labelled["value"]["labels"] == [label]
        assert (drawn["id"] == kept["drafts"][0]["result"][0]["id"]) == refines


def test_a_later_click_keeps_the_first_ones_label(exact: TestClient):
    first = answer(exact, "brush", chosen("a", 20, 20, "nucleus"))
    second = answer(exact, "brush", chosen("a", 20, 20, "nucleus"), dot("b", 29, 20, positive=False))
    assert [item["id"] for item in first] == [item["id"] for item in second]
    assert second[1]["value"]["labels"] == ["nucleus"]


@pytest.mark.parametrize("tool", KINDS)
def test_what_was_saved_is_recorded_once(exact: TestClient, tool: str, tmp_path: Path):
    items = answer(exact, tool, dot("a", 20, 20))
    annotation = {"id": 9, "task": 3, "result": items}
    event = {"action": "ANNOTATION_CREATED", "project": {"id": 1}, "annotation": annotation}
    assert exact.post("/webhook", json=event).status_code == 200

    def recorded() -> list[tuple[str, str, str | None]]:
        with Database(sqlite_url(tmp_path)).reading() as session:
            rows = session.scalars(select(RegionRow))
            return [(row.id, row.label, row.problem) for row in rows]

    until(lambda: recorded() == [(items[0]["id"], "cell", None)])


@pytest.mark.parametrize("tool", KINDS)
def test_a_mask_that_was_not_accepted_is_made_again(exact: TestClient, tool: str, tmp_path: Path):
    shown = answer(exact, tool, dot("a", 20, 20))
    clicks = unaccepted_prompts([dot("a", 20, 20)], LabelConfig.parse(config(tool)), 3)
    assert unaccepted_prompts([dot("a", 20, 20), *shown], LabelConfig.parse(config(tool)), 3) == []
    service = Service(Settings(home=tmp_path / "another", polygon_tolerance=0), DiscPainter())
    task, annotation = {"id": 3, "data": {"image": IMAGE}}, {"id": 9, "result": [dot("a", 20, 20)]}
    lost = DamagedAnnotation({"id": 1, "label_config": config(tool)}, task, annotation, clicks)
    result, _ = remake(service, lost)
    assert [item["type"] for item in result] == [tool, "labels"]
    assert np.array_equal(READ[tool](result[0]["value"]), READ[tool](shown[0]["value"]))


@pytest.mark.parametrize("tool", KINDS)
def test_labels_of_another_picture_are_not_meant(tool: str):
    other = config(tool).replace(
        '<Labels name="label" toName="image">', '<Labels name="label" toName="other">'
    )
    (problem,) = LabelConfig.parse(other).problems()
    assert "no BitmaskLabels, BrushLabels or PolygonLabels control" in str(problem)


def test_a_label_without_a_mask_is_no_mask(exact: TestClient):
    box = {"id": "x", "type": "labels", "from_name": "label", "to_name": "image"}
    box |= {"original_width": 64, "original_height": 48, "value": {"x": 1, "y": 1, "labels": ["cell"]}}
    drawn, _ = answer(exact, "brush", dot("a", 20, 20), **draft(box))
    assert drawn["id"] != "x"

"""What others than Label Studio's own editor send, and what other programs leave in a task."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

from click99.annotations.database import Database, sqlite_url
from click99.annotations.tables import AnnotationRow, EventRow, RegionRow
from click99.labelstudio import brush
from tests.server.requests import (
    CONFIG,
    HEIGHT,
    IMAGE,
    WIDTH,
    WITHOUT_LABELS,
    body,
    click,
    data_uri,
    dot,
    encoded,
    keypoint,
    mask_of,
)
from tests.waiting import until

BIG = 10**300
ODD_RESULTS: list[Any] = [None, [None], ["x"], {"a": 1}, 7, [[]], [{"id": []}], [{"id": BIG}]]


def region(**value: Any) -> dict[str, Any]:
    names = {"id": "r", "from_name": "brush", "to_name": "image", "type": "brushlabels"}
    sizes = {"original_width": WIDTH, "original_height": HEIGHT}
    return names | sizes | {"value": {"brushlabels": ["cell"], **value}}


def outline(*points: Any) -> dict[str, Any]:
    value = {"points": list(points), "polygonlabels": ["cell"]}
    return region() | {"type": "polygonlabels", "value": value}


RLE = brush.encode(np.full((HEIGHT, WIDTH), 255, np.uint8))
ODD_REGIONS: list[Any] = [
    region(rle=[256, 1]),
    region(rle=[-1]),
    region(rle=[0.5] * 9),
    region(rle=["0"] * 9),
    region(rle="abc"),
    region(rle={"counts": [0, 9], "size": [HEIGHT, WIDTH]}),
    region(rle=RLE, brushlabels={"cell": 1}),
    region(rle=RLE, touches=[{"relativePoints": [1e308, 1e308, 0, 0]}]),
    region(maskDataURL="data:image/png;base64,AAAA"),
    region(rle=RLE) | {"original_width": 1e308},
    outline([1e308, 1e308], [0, 0], [-1e308, 3]),
    outline([1], "x", None),
]


def ask(server: TestClient, *items: dict[str, Any], task: Any = None, **changes: Any) -> dict[str, Any]:
    request = body(items, **changes)
    request["tasks"][0] |= task or {}
    reply = server.post("/predict", json=request)
    assert reply.status_code == 200, reply.text
    (prediction,) = reply.json()["results"]
    return prediction


def mask(prediction: dict[str, Any]) -> np.ndarray:
    return mask_of(prediction["result"][0])


@pytest.mark.parametrize("place", ["drafts", "annotations", "predictions"])
def test_a_task_may_hold_odd_results(server: TestClient, place: str):
    plain = ask(server, keypoint("a", 20, 20))
    for result in ODD_RESULTS:
        assert ask(server, keypoint("a", 20, 20), task={place: [{"id": 4, "result": result}]}) == plain


def test_a_draft_may_be_odd(server: TestClient):
    for work in ({"id": []}, {"id": BIG}, {"user": 7}, {"user": {}}, {"updated_at": 5}, {}):
        ask(server, keypoint("a", 20, 20), task={"drafts": [work | {"result": [region(rle=RLE)]}] * 2})


@pytest.mark.parametrize("tag", ["BrushLabels", "PolygonLabels"])
def test_a_region_that_cannot_be_read_is_left_out(server: TestClient, tag: str):
    config = CONFIG.replace("BrushLabels", tag)
    plain = ask(server, keypoint("a", 20, 20), label_config=config)
    for odd in ODD_REGIONS:
        task = {"drafts": [{"id": 4, "result": [odd]}]}
        answer = ask(server, keypoint("a", 20, 20), task=task, label_config=config)
        assert answer["result"][0]["value"] == plain["result"][0]["value"]


def test_events_with_odd_regions_are_recorded(server: TestClient, tmp_path: Any):
    odd = [*ODD_REGIONS, region(rle=RLE) | {"id": BIG}, None, "x"]
    for number, one in enumerate(odd):
        told = {"id": number, "task": 3, "result": [one, region(rle=RLE) | {"id": "good"}]}
        assert send(server, "ANNOTATION_CREATED", annotation=told, task={"id": 3}) == 200
    rows(tmp_path, AnnotationRow, len(odd))
    good = [row for row in rows(tmp_path, RegionRow, len(odd)) if row.id == "good" and row.mask]
    assert {row.annotation for row in good} == set(map(str, range(len(odd))))


def test_events_with_odd_results_are_recorded(server: TestClient, tmp_path: Any):
    for number, result in enumerate(ODD_RESULTS):
        told = {"id": BIG + number, "task": 3, "result": result}
        assert send(server, "ANNOTATION_CREATED", annotation=told) == 200
    known = {row.id for row in rows(tmp_path, AnnotationRow, len(ODD_RESULTS))}
    assert known == {str(BIG + number) for number in range(len(ODD_RESULTS))}


def send(server: TestClient, action: str, **told: Any) -> int:
    project = {"id": 1, "label_config": CONFIG}
    return server.post("/webhook", json={"action": action, "project": project} | told).status_code


def rows(home: Any, table: Any, many: int) -> list[Any]:
    database = Database(sqlite_url(home))

    def found() -> list[Any]:
        with database.reading() as session:
            return list(session.scalars(select(table)))

    until(lambda: len(found()) >= many)
    return found()


def test_an_event_of_a_label_config_that_is_none_is_recorded(server: TestClient, tmp_path: Any):
    project = {"id": 1, "label_config": "<View>"}
    told = {"id": 4, "task": 3, "result": [region(rle=RLE)]}
    assert send(server, "ANNOTATION_CREATED", project=project, annotation=told, task={"id": 3}) == 200
    assert [row.id for row in rows(tmp_path, AnnotationRow, 1)] == ["4"]


def test_many_annotations_of_many_tasks(server: TestClient, tmp_path: Any):
    annotations = [{"id": 1, "result": []}, {"id": 2, "result": []}]
    tasks = [{"id": 7, "data": {}}, {"id": 8, "data": {}}]
    assert send(server, "ANNOTATIONS_CREATED", annotation=annotations, task=tasks) == 200
    found = rows(tmp_path, AnnotationRow, 2)
    assert [(row.id, row.task) for row in found] == [("1", "7"), ("2", "8")]


# https://labelstud.io/guide/webhook_reference
ACTIONS = [
    "TASKS_CREATED",
    "TASKS_DELETED",
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
    "PROJECT_CREATED",
    "PROJECT_UPDATED",
    "PROJECT_DELETED",
    "LABEL_LINK_CREATED",
    "LABEL_LINK_UPDATED",
    "LABEL_LINK_DELETED",
    "REVIEW_CREATED",
    "REVIEWS_CREATED",
    "REVIEW_UPDATED",
    "REVIEWS_DELETED",
    "SOMETHING_NEW",
]
ODD_TOLD: list[Any] = [{}, [], None, "x", 3, [None], {"id": []}, {"id": BIG, "result": {}}]


@pytest.mark.slow("every action")
def test_every_action_is_taken_and_recorded(server: TestClient, tmp_path: Any):
    for told in ODD_TOLD:
        parts = dict.fromkeys(("task", "tasks", "annotation", "annotations", "review"), told)
        assert {send(server, action, **parts) for action in ACTIONS} == {200}
    known = rows(tmp_path, EventRow, len(ACTIONS) * len(ODD_TOLD))
    assert Counter(json.loads(event.body)["action"] for event in known) == dict.fromkeys(
        ACTIONS, len(ODD_TOLD)
    )


def test_a_click_says_elsewhere_that_it_is_negative(server: TestClient):
    both = [keypoint("a", 20, 20), keypoint("b", 26, 20, positive=None)]
    both[1]["value"]["positive"] = False
    answer = mask(ask(server, *both))
    assert answer[20, 10]
    assert not answer[20, 26]


@pytest.mark.parametrize("place", ["item", "value"])
@pytest.mark.parametrize("name", ["positive", "is_positive"])
def test_a_click_may_tell_its_sign_elsewhere(server: TestClient, place: str, name: str):
    negative = keypoint("b", 26, 20, positive=None)
    (negative if place == "item" else negative["value"])[name] = False
    assert not mask(ask(server, keypoint("a", 20, 20), negative))[20, 26]


@pytest.mark.parametrize("label", [{"labels": ["nucleus"]}, {"keypointlabels": "nucleus"}])
def test_a_click_may_say_its_label_in_other_ways(server: TestClient, label: dict[str, Any]):
    item = keypoint("a", 20, 20)
    item["value"] = {"x": item["value"]["x"], "y": item["value"]["y"], "rotation": None} | label
    assert ask(server, item)["result"][0]["value"]["brushlabels"] == ["nucleus"]


@pytest.mark.parametrize("type", ["keypointlabels", "keypoint"])
@pytest.mark.parametrize("name", [{"from_name": "kp"}, {}, {"to_name": "image"}])
@pytest.mark.parametrize("config", [WITHOUT_LABELS, CONFIG])
def test_a_click_may_bring_a_label_to_any_control(
    server: TestClient, config: str, name: dict[str, str], type: str
):
    value = {"x": 31, "y": 42, "keypointlabels": ["nucleus"]}
    (made,) = ask(server, {"type": type, "value": value} | name, label_config=config)["result"]
    assert made["value"]["brushlabels"] == ["nucleus"]


def test_a_label_tells_the_picture_where_nothing_else_does(server: TestClient):
    pictures = "".join(
        f'<Image name="i{k}" value="$image"/><KeyPoint name="k{k}" toName="i{k}" smart="true"/>'
        f'<BrushLabels name="b{k}" toName="i{k}"><Label value="{label}"/></BrushLabels>'
        for k, label in enumerate(["cell", "nucleus"])
    )
    item = {"type": "keypointlabels", "value": {"x": 31, "y": 42, "keypointlabels": ["nucleus"]}}
    (made,) = ask(server, item, label_config=f"<View>{pictures}</View>")["result"]
    assert (made["from_name"], made["value"]["brushlabels"]) == ("b1", ["nucleus"])


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (CONFIG, "no control for clicks has the label 'Cell' (there: 'kp': 'cell', "),
        (WITHOUT_LABELS, "no control for masks has the label 'Cell' (there: 'brush': 'cell', "),
    ],
)
def test_a_label_that_no_control_has_is_named(server: TestClient, config: str, told: str):
    item = {"type": "keypointlabels", "value": {"x": 31, "y": 42, "keypointlabels": ["Cell"]}}
    reply = server.post("/predict", json=body([item], label_config=config))
    assert reply.status_code == 422
    assert told in reply.json()["detail"]


@pytest.mark.parametrize("beside", [None, "x", 7, {"id": "r"}, {"type": None}, {"type": ["brushlabels"]}, []])
def test_what_is_no_prompt_keeps_no_click_from_its_answer(server: TestClient, beside: Any):
    first = keypoint("a", 20, 20)
    alone = server.post("/predict", json=body([first])).content
    assert server.post("/predict", json=body([beside, first])).content == alone
    refused = server.post("/predict", json=body([beside]))
    assert refused.status_code == 400
    assert "no clicks" in refused.json()["detail"]


def test_a_mark_of_the_order_of_bytes_is_no_text(server: TestClient):
    sent = json.dumps(body([keypoint("a", 20, 20)])).encode()
    assert server.post("/predict", content=b"\xef\xbb\xbf" + sent).status_code == 200


def test_text_may_hold_half_a_character(server: TestClient, tmp_path: Any):
    """JSON knows it, and programs that cut emoji leave it."""
    request = body([keypoint("a", 20, 20)])
    request["tasks"][0]["data"]["note"] = "\ud83d"
    assert server.post("/predict", content=json.dumps(request)).status_code == 200
    told = {"id": 4, "task": 3, "result": [region(rle=RLE)]}
    event = {"action": "ANNOTATION_CREATED", "annotation": told, "task": request["tasks"][0]}
    assert server.post("/webhook", content=json.dumps(event)).status_code == 200
    assert [row.id for row in rows(tmp_path, RegionRow, 1) if row.mask] == ["r"]


@pytest.mark.parametrize(
    "told",
    [
        {"brushlabels": "7"},
        {"brushlabels": [7]},
        {"brushlabels": 7},
        {"brushlabels": [None, "7"]},
        *({"item_index": which} for which in ("", "0", 0.0, "0.0", None)),
        {"from_name": 8},
    ],
)
def test_a_region_may_hold_other_types(server: TestClient, told: dict[str, Any]):
    config = CONFIG.replace("cell", "7").replace('name="brush"', 'name="8"')
    value = {"brushlabels": told.get("brushlabels", ["7"])}
    names = {"from_name": "8"} | {name: one for name, one in told.items() if name != "brushlabels"}
    task = {"predictions": [{"result": [region(rle=RLE, **value) | names]}]}
    asked = keypoint("a", 20, 20, label="7")
    (refined,) = ask(server, asked, task=task, label_config=config)["result"]
    assert (refined["id"], refined["value"]["brushlabels"]) == ("r", ["7"])


@pytest.mark.parametrize("which", ["1", 1.0, "x", -1, 1e30])
def test_a_region_on_another_picture_is_not_meant(server: TestClient, which: Any):
    task = {"predictions": [{"result": [region(rle=RLE) | {"item_index": which}]}]}
    (new,) = ask(server, keypoint("a", 20, 20), task=task)["result"]
    assert new["id"] != "r"


@pytest.mark.parametrize(("which", "told"), [("", None), ("0", 0), (0, 0)])
def test_a_click_may_tell_its_picture_as_text(server: TestClient, which: Any, told: int | None):
    (answered,) = ask(server, keypoint("a", 20, 20, item_index=which))["result"]
    assert answered["item_index"] == told


def test_a_label_may_be_called_by_its_value(server: TestClient):
    config = CONFIG.replace('<Label value="cell"/>', '<Label value="cell" alias="c"/>')
    (region,) = ask(server, keypoint("a", 20, 20), label_config=config)["result"]
    assert region["value"]["brushlabels"] == ["c"]


@pytest.mark.parametrize("lacks", [{"original_width": None, "original_height": None}, {"touches": None}])
def test_a_region_may_lack_what_can_be_found_out(server: TestClient, lacks: dict[str, Any]):
    value = {name: told for name, told in lacks.items() if name == "touches"}
    kept = region(rle=RLE, **value) | {name: told for name, told in lacks.items() if name != "touches"}
    (refined,) = ask(server, keypoint("a", 20, 20), task={"predictions": [{"result": [kept]}]})["result"]
    assert refined["id"] == "r"


@pytest.mark.parametrize("event", ["prewarm", "capabilities", "release"])
@pytest.mark.parametrize("about", [{}, {"tasks": [], "label_config": None}])
def test_a_client_may_ask_about_no_task(server: TestClient, event: str, about: dict[str, Any]):
    reply = server.post("/predict", json={"params": {"context": {"event": event}}} | about)
    assert reply.status_code == 200, reply.text
    assert reply.json()["results"][0]["value"]["status"] in ("ok", "released")


@pytest.mark.parametrize("event", ["prewarm", "capabilities", "release"])
@pytest.mark.parametrize("tasks", [None, [{"id": 1}], [{"id": 1, "data": None}]])
def test_null_is_none(server: TestClient, event: str, tasks: Any):
    asked = {"tasks": tasks, "params": {"context": {"event": event, "result": None}}}
    reply = server.post("/predict", json=asked)
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    "said",
    [
        *({"hostname": 5}, {"access_token": 7}, {"schema": None}, {"hostname": []}),
        *({"hostname": "http://127.0.0.1:9", "access_token": token} for token in ("a\nb", "\0", "ü", "€")),
    ],
)
def test_an_introduction_may_hold_other_types(server: TestClient, said: dict[str, Any]):
    assert server.post("/setup", json=said).status_code == 200


@pytest.mark.parametrize("missing", ["id", "from_name", "to_name", "original_width", "original_height"])
def test_a_click_may_lack_what_can_be_found_out(server: TestClient, missing: str):
    item = keypoint("a", 20, 20)
    whole = mask(ask(server, item))
    del item[missing]
    answer = ask(server, item)
    assert (mask(answer) == whole).all()
    assert answer["result"][0]["from_name"] == "brush"


@pytest.mark.parametrize("beside", [{"type": "relation"}, {"type": "choices", "value": None}, {"type": "x"}])
def test_what_is_no_click_does_not_count(server: TestClient, beside: dict[str, Any]):
    item = keypoint("a", 20, 20)
    plain = ask(server, item)
    assert ask(server, beside, item) == ask(server, item, beside) == plain


@pytest.mark.parametrize("size", [0, "", None, 0.0])
def test_a_size_of_nothing_is_none(server: TestClient, size: Any):
    sizes = {"original_width": size, "original_height": size}
    task = {"predictions": [{"result": [region(rle=RLE) | sizes]}]}
    (refined,) = ask(server, keypoint("a", 20, 20) | sizes, task=task)["result"]
    assert refined["id"] == "r"


def test_two_clicks_without_ids_are_two(server: TestClient):
    items = [keypoint("", 20, 20), keypoint("", 50, 30)]
    assert mask(ask(server, *items))[[20, 30], [20, 50]].all()


def test_tasks_without_ids_are_told_apart(server: TestClient):
    request = body([keypoint("a", 20, 20)])
    first = dict(request["tasks"][0])
    del first["id"]
    ids = set()
    for data in ({"image": IMAGE}, {"image": IMAGE, "page": 2}):
        reply = server.post("/predict", json=request | {"tasks": [first | {"data": data}]})
        ids.add(reply.json()["results"][0]["result"][0]["id"])
    assert len(ids) == 2


def test_numbers_where_text_is_expected_and_the_other_way_round(server: TestClient):
    item = keypoint("a", 20, 20) | {"id": 12, "original_width": str(WIDTH)}
    item["value"] |= {"x": str(item["value"]["x"])}
    task = {"id": "3", "drafts": [{"id": "5", "user": 7, "updated_at": 1}]}
    answer = ask(server, item, task=task, project=1)
    assert answer["result"][0]["meta"]["clicks"] == [["12", 20, 20, True]]


def test_a_box_of_a_control_that_is_not_smart(server: TestClient):
    tag = '<RectangleLabels name="r" toName="image"><Label value="cell"/></RectangleLabels></View>'
    value = {"x": 10, "y": 10, "width": 50, "height": 50, "rectanglelabels": ["cell"]}
    box = {"type": "rectanglelabels", "value": value}
    assert mask(ask(server, box, label_config=CONFIG.replace("</View>", tag))).any()


def test_a_box_around_background_is_no_object(server: TestClient):
    value = {"x": 10, "y": 10, "width": 50, "height": 50}
    box = {"type": "rectangle", "from_name": "box", "to_name": "image", "value": value, "is_positive": False}
    reply = server.post("/predict", json=body([box], label_config=WITHOUT_LABELS))
    assert (reply.status_code, "a box around background" in reply.json()["detail"]) == (400, True)
    alone = ask(server, dot("a", 20, 20), label_config=WITHOUT_LABELS)
    assert ask(server, box, dot("a", 20, 20), label_config=WITHOUT_LABELS) == alone


@pytest.mark.parametrize("field", ["x", "y", "width", "height", "rotation"])
@pytest.mark.parametrize("number", [1e76, -1e76, 1e308])
def test_a_box_out_of_this_world_is_refused(server: TestClient, field: str, number: float):
    tag = '<RectangleLabels name="r" toName="image"><Label value="cell"/></RectangleLabels></View>'
    value = {"x": 10, "y": 10, "width": 50, "height": 50, "rectanglelabels": ["cell"], field: number}
    box = {"id": "b", "type": "rectanglelabels", "from_name": "r", "to_name": "image", "value": value}
    reply = server.post("/predict", json=body([box], label_config=CONFIG.replace("</View>", tag)))
    assert reply.status_code == 400


@pytest.mark.parametrize("event", ["prewarm", "release", "capabilities"])
def test_what_a_client_asks_instead_of_a_mask(server: TestClient, painter: Any, event: str):
    request = body([]) | {"params": {"context": {"event": event}}}
    reply = server.post("/predict", json=request)
    assert reply.status_code == 200
    (answer,) = reply.json()["results"]
    assert answer["value"]["status"] == {"release": "released"}.get(event, "ok")
    if event == "prewarm":
        until(lambda: len(painter.prepared) == 1)


def test_what_is_neither_click_nor_box_may_hold_anything(server: TestClient):
    odd = {
        "id": 5,
        "type": "choices",
        "original_width": "wide",
        "is_positive": "maybe",
        "value": {"x": "left"},
    }
    (answered,) = click(server, WITHOUT_LABELS, odd, dot("a", 20, 20))
    assert answered["meta"]["clicks"] == [["a", 20, 20, True]]


@pytest.mark.parametrize("nothing", ["0", "0.0", 0.0])
def test_sizes_of_nothing_are_none(server: TestClient, nothing: Any):
    asked = dot("a", 20, 20, original_width=nothing, original_height=nothing)
    (answered,) = click(server, WITHOUT_LABELS, asked)
    assert (answered["original_width"], answered["original_height"]) == (WIDTH, HEIGHT)


def test_sizes_from_before_the_picture_was_turned_are_refused_as_such(server: TestClient):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = data_uri(encoded(WIDTH, HEIGHT, "JPEG", exif=exif))
    asked = dot("a", 20, 40, size=(HEIGHT, WIDTH))
    (answered,) = click(server, WITHOUT_LABELS, asked, data={"image": turned})
    assert (answered["original_width"], answered["original_height"]) == (HEIGHT, WIDTH)
    assert mask_of(answered)[40, 20]
    reply = server.post("/predict", json=body([dot("a", 20, 40)], turned, label_config=WITHOUT_LABELS))
    assert reply.status_code == 400
    assert "as its EXIF orientation turns it" in reply.json()["detail"]

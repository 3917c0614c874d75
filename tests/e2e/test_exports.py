"""What each of Label Studio's exports makes of each label config, as docs/reference/label-config.md says."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import requests

from click99.labelstudio.label_config import LabelConfig
from click99.labelstudio.region_types import write
from tests.e2e.running_demo import ROOT
from tests.e2e.workplace import Project, Workplace
from tests.server.requests import as_click

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CONFIGS = {
    name: files("label_config").joinpath(f"{name}.xml").read_text()
    for name in ("brush", "box", "bitmask", "polygon", "keys")
}
KEYED = CONFIGS["keys"].replace("BrushLabels", "PolygonLabels").replace('"brush"', '"polygon"')
ROWS = {
    **{f"{name}.xml": (xml, False) for name, xml in CONFIGS.items()},
    "keys.xml with PolygonLabels": (KEYED, False),
    "keys.xml, a mask saved twice": (CONFIGS["keys"], True),
}
LABELS = ["Object", "Person"]


def coco(archive: dict[str, bytes]) -> list[str]:
    (told,) = [json.loads(content) for name, content in archive.items() if name.endswith(".json")]
    names = {category["id"]: category["name"] for category in told["categories"]}
    return [names[annotation["category_id"]] for annotation in told["annotations"]]


def yolo(archive: dict[str, bytes]) -> list[str]:
    classes = archive["classes.txt"].decode().split()
    lines = [line for name in archive if name.startswith("labels/") for line in archive[name].splitlines()]
    return [classes[int(line.split()[0])] for line in lines]


def voc(archive: dict[str, bytes]) -> list[str]:
    trees = [ElementTree.fromstring(content) for name, content in archive.items() if name.endswith(".xml")]
    return [tag.text or "" for tree in trees for tag in tree.iterfind("object/name")]


def named(archive: dict[str, bytes]) -> list[str]:
    """A file a mask: task-7-annotation-1-by-1-brush-Person-0.png."""
    return [name.split("-")[-2] for name in archive]


def listed(content: Any) -> list[str]:
    """The labels of all masks that a text holds, whatever its columns and fields are called."""
    if isinstance(content, list):
        return [label for item in content for label in listed(item)]
    if not isinstance(content, dict):
        return []
    own = [content[key][0] for key in content if key.endswith("labels")]
    return own or [label for item in content.values() for label in listed(item)]


def rows(content: bytes) -> list[str]:
    cells = [cell for row in csv.reader(io.StringIO(content.decode())) for cell in row if cell[:1] == "["]
    return listed([json.loads(cell) for cell in cells])


TEXTS: dict[str, Callable[[bytes], list[str]]] = {
    "JSON": lambda content: listed(json.loads(content)),
    "JSON_MIN": lambda content: listed(json.loads(content)),
    "CSV": rows,
}
ARCHIVES: dict[str, Callable[[dict[str, bytes]], list[str]]] = {
    "COCO": coco,
    "YOLO": yolo,
    "YOLO_OBB": yolo,
    "VOC": voc,
    "BRUSH_TO_PNG": named,
    "BRUSH_TO_NUMPY": named,
    "BRUSH_TO_COCO": coco,
}


def cell(reply: requests.Response, name: str) -> str:
    """What an export of two masks holds."""
    if not reply.ok:
        return f"error {reply.status_code}"
    if name in TEXTS:
        found = TEXTS[name](reply.content)
    else:
        with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
            found = ARCHIVES[name]({each: archive.read(each) for each in archive.namelist()})
    if sorted(found) == LABELS:
        return "yes"
    return f"{len(found)} of {', '.join(sorted({*found}))}" if found else "no"


def annotate(project: Project, xml: str, twice: bool) -> None:
    """A mask of each label in a task; twice: saved as it is where a label for clicks was chosen at the ✓."""
    config, items = LabelConfig.parse(xml), []
    control = config.outputs[0]
    for k, label in enumerate(LABELS):
        mask = np.zeros((400, 600), bool)
        mask[50:150, 100 + 200 * k : 200 + 200 * k] = True
        value = write(mask, control.kind, [label], 1).model_dump()  # pyright: ignore[reportArgumentType]
        sizes = {"original_width": 600, "original_height": 400, "image_rotation": 0}
        names = {"id": label, "type": control.kind, "from_name": control.name, "to_name": control.to_name}
        items.append(names | sizes | {"value": value})
    doubles = [as_click(item) | {"from_name": "click"} for item in items] if twice else []
    path = f"/api/tasks/{project.task()}/annotations/?project={project.id}"
    project.client.call("POST", path, json={"result": items + doubles})


def annotated(workplace: Workplace, name: str) -> Project:
    project = workplace.project(f"export of {name}", ROWS[name][0])
    annotate(project, *ROWS[name])
    return project


def cells(project: Project) -> list[str]:
    path = f"{project.client.url}/api/projects/{project.id}/export"
    found = []
    for kind in (*TEXTS, *ARCHIVES):
        reply = requests.get(path, {"exportType": kind}, auth=project.client, timeout=120)
        found.append(cell(reply, kind))
    return found


def test_the_table_of_exports_is_true_and_recover_mends_what_is_saved_twice(workplace: Workplace) -> None:
    projects = {name: annotated(workplace, name) for name in ROWS}
    found = {name: cells(project) for name, project in projects.items()}
    table = "\n".join(f"| {' | '.join([name, *row])} |" for name, row in found.items())
    assert table in (ROOT / "docs/reference/label-config.md").read_text(), f"\n{table}"
    twice = projects["keys.xml, a mask saved twice"]
    told = workplace.click99.run("recover", "--project", str(twice.id), "--apply")
    assert (told.returncode, "2 kept once" in told.stdout) == (0, True), told.stdout + told.stderr
    assert cells(twice) == found["keys.xml"]

"""Boxes and points from tasks, COCO and CSV, and what can't be read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from click99.labelstudio.prompts import Prompt
from click99.preannotate.prompts import PixelPrompt, of_file, of_task

COCO = {
    "images": [{"id": 7, "file_name": "photos/a b.jpg"}],
    "categories": [{"id": 1, "name": "cat"}],
    "annotations": [{"image_id": 7, "category_id": 1, "bbox": [10, 20, 30, 40]}],
}
BOXED = {"image_id": 7, "category_id": 1, "bbox": [10, 20, 30, 40]}
RLE_ONLY = {"image_id": 7, "category_id": 1, "segmentation": {"size": [2, 2], "counts": "1"}}
TWINS = {
    "images": [{"id": 7, "file_name": "a/1.jpg"}, {"id": 8, "file_name": "b/1.jpg"}],
    "annotations": [BOXED, {**BOXED, "image_id": 8}],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "boxes"


def test_coco_s_boxes(file: Path):
    file = file.with_suffix(".json")
    file.write_text(json.dumps(COCO))
    assert of_file(file) == {"a_b.jpg": [PixelPrompt("cat", (10, 20, 40, 60))]}


def test_a_csv_has_boxes_or_points(file: Path):
    file.write_text("\ufefffile,label,left,top,right,bottom,x,y\na.jpg,cat,1,2,3,4,,\na.jpg,dog,,,,,5,6\n")
    assert of_file(file) == {"a.jpg": [PixelPrompt("cat", (1, 2, 3, 4)), PixelPrompt("dog", (5, 6, 5, 6))]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_is_as_spreadsheets_write_it(file: Path, delimiter: str, end: str):
    lines = ["file,label,left,top,right,bottom", '"a.jpg","cat ""x""",-1.5,2,3,4']
    file.write_bytes(end.join(lines).replace(",", delimiter).encode() + end.encode())
    assert of_file(file) == {"a.jpg": [PixelPrompt('cat "x"', (-1.5, 2, 3, 4))]}


def test_pixels_become_items_of_the_editor():
    box = PixelPrompt("cat", (10, 20, 40, 60)).item(0, height=200, width=100)
    assert (box.type, box.labels, box.is_box) == ("rectanglelabels", ["cat"], True)
    assert (box.value.x, box.value.y, box.value.width, box.value.height) == (10, 10, 30, 20)
    point = PixelPrompt("cat", (10, 20, 10, 20)).item(1, height=200, width=100)
    assert (point.type, point.labels, point.is_click) == ("keypointlabels", ["cat"], True)


@pytest.mark.parametrize("size", [7, 199, 1001, 4099])
def test_pixels_stay_the_same_pixels(size: int):
    for pixel in range(size):
        point = PixelPrompt("cat", (pixel, pixel, pixel, pixel)).item(0, size, size)
        (click,) = Prompt([point], [0]).clicks(size, size)
        assert (click.x, click.y) == (pixel, pixel)
        box = PixelPrompt("cat", (pixel, pixel, pixel + 1, pixel + 1)).item(0, size, size)
        assert box.is_box
        assert Prompt([box], [0]).box(size, size).ends == (pixel, pixel, pixel + 1, pixel + 1)


def test_a_box_is_cut_to_the_picture_and_a_line_is_a_point_in_its_middle():
    for ends in ((-5, -1e9, 20, 1e9), (-5.5, -0.5, 19.2, 50.5)):
        box = PixelPrompt("cat", ends).item(0, 50, 100)
        assert Prompt([box], [0]).box(50, 100).ends == (0, 0, 20, 50)
    line = PixelPrompt("cat", (10, 20, 10, 40)).item(0, 50, 100)
    (click,) = Prompt([line], [0]).clicks(50, 100)
    assert (click.x, click.y) == (10, 30)


def test_a_page_that_is_no_csv_is_told_in_one_line(tmp_path: Path):
    (tmp_path / "b.csv").write_text(f"a page, not a table\n{'word, ' * 1000}\n")
    with pytest.raises(ValueError, match=r"line 2: .*It needs file, label") as told:
        of_file(tmp_path / "b.csv")
    assert len(str(told.value)) < 200 + 200 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("b.csv", "", "no boxes and no points"),
        ("b.csv", "file,label,left,top,right,bottom\na.jpg,cat,1,2,3,four\n", "line 2"),
        ("b.csv", "name,x,y\na.jpg,1,2\n", "It needs file, label"),
        ("b.json", "{", "not COCO's form"),
        ("b.json", "[]", "not COCO's form"),
        (
            "b.json",
            json.dumps(COCO | {"categories": []}),
            "an annotation names 1, which is not among its categories",
        ),
        ("b.json", json.dumps(COCO | {"annotations": []}), "no boxes and no points"),
        ("b.json", json.dumps(COCO | {"categories": [{"id": 1, "name": 7}]}), "7 at 10.0"),
        ("b.json", json.dumps(COCO | {"annotations": [RLE_ONLY]}), "KeyError: 'bbox'"),
        ("b.json", json.dumps(COCO | {"annotations": [{**BOXED, "bbox": [1, 2, -3, 4]}]}), "cat"),
        ("b.json", json.dumps(COCO | {"annotations": [{**BOXED, "bbox": [1, 2, math.nan, 4]}]}), "nan"),
        ("b.json", json.dumps(COCO | TWINS), "b/1.jpg are both 1.jpg in Label Studio. Rename one"),
        ("b.csv", "file,label,left,top,right,bottom\na.jpg,cat,9,2,3,4\n", "a box ends after it begins"),
        ("b.csv", "file,label,x,y\na.jpg,cat,nan,1\n", "line 2"),
        ("b.csv", "file,label,x,y\na.jpg,,1,1\n", "line 2"),
        ("b.csv", "file,label,x,y\n\n\na.jpg\n", "line 4"),
        ("b.csv", f"file,label,x,y\n{'a' * 200_000},cat,1,1\n", "not CSV in UTF-8"),
    ],
)
def test_what_can_not_be_read_is_named(tmp_path: Path, name: str, text: str, message: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        of_file(tmp_path / name)
    assert name in str(raised.value)


def test_another_encoding_is_named(file: Path):
    file.write_bytes("file,label,x,y\nü.jpg,cat,1,1\n".encode("latin-1"))
    with pytest.raises(ValueError, match="boxes: not CSV in UTF-8"):
        of_file(file)


BOX = {
    "type": "rectanglelabels",
    "value": {"x": 1, "y": 2, "width": 3, "height": 4, "rectanglelabels": ["cat"]},
}


@pytest.mark.parametrize(
    ("predictions", "found"),
    [
        (None, 0),
        ([], 0),
        ([None, "x", {"result": None}], 0),
        ([{"result": [BOX, {"type": "choices"}, None]}], 1),
        (
            [
                {"result": [BOX], "created_at": "2026-01-02"},
                {"result": [BOX, BOX], "created_at": "2026-01-01"},
            ],
            1,
        ),
        ([{"result": [BOX], "created_at": "2026-01-01"}, {"result": [], "created_at": "2026-01-02"}], 1),
        ([{"result": [BOX | {"value": {"x": 1, "y": 2}}]}], 0),
    ],
)
def test_the_newest_prediction_with_boxes_counts(predictions: Any, found: int):
    assert len(of_task({"predictions": predictions}, "image")) == found


@pytest.mark.parametrize("other", [{"to_name": "other"}, {"item_index": 1}])
def test_boxes_on_another_picture_do_not_count(other: dict[str, Any]):
    assert of_task({"predictions": [{"result": [BOX | other]}]}, "image") == []

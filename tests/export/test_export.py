"""Each form, read back by another library: to the pixel where it can hold that."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw
from pycocotools.coco import COCO
from sqlalchemy import update
from typer.testing import CliRunner

from click99.annotations.database import Database, sqlite_url
from click99.annotations.events import keep_event
from click99.annotations.saved_masks import MaskFilter, SavedMask
from click99.annotations.tables import RegionRow, TaskRow
from click99.cli import app
from click99.export.export import FORMS, WITH_PIXELS, Export, export
from click99.export.forms import write_voc
from click99.export.names import free, stem
from click99.export.pictures import LabelledMask, Picture
from click99.labelstudio.errors import ImageUnavailableError
from tests.annotations.examples import NOON, SHAPE, brush_item, disc, saved

HEIGHT, WIDTH = SHAPE
IMAGE = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), np.uint8)
RING = np.zeros(SHAPE, bool)  # with a hole, and a part of its own
RING[0:5, 0:5] = True
RING[1:3, 1:4] = False
RING[4:6, 8:10] = True
MASKS = {"cell": RING, "a/b": disc()}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Task 3 with a ring and a disc, task 4 with a disc, on pictures of one name."""
    database = Database(sqlite_url(tmp_path / "home"))
    labelled = {"format": "rle", "brushlabels": ["a/b"]}
    other = brush_item("disc", disc())
    other["value"] = other["value"] | labelled
    first = saved(brush_item("ring", RING), other)
    second = saved(brush_item("disc", disc()), number=10)
    second = second.replace(b'"task": 3', b'"task": 4').replace(b'{"id": 3, "data"', b'{"id": 4, "data"')
    with database.writing() as session:
        for event in (first, second):
            keep_event(session, event, NOON)
    return database


@pytest.fixture
def exported(database: Database, tmp_path: Path) -> Callable[..., Path]:
    def run(form: str, **which: Any) -> Path:
        out = tmp_path / form
        export(database, out, form, MaskFilter(**which), lambda _: IMAGE)
        return out

    return run


def relabelled(database: Database, label: str) -> None:
    with database.writing() as session:
        session.execute(update(RegionRow).where(RegionRow.label == "cell").values(label=label))


@pytest.mark.parametrize("label", ["..", ".", "A/B", "../..", "a.", "ü" * 300, "\x00", " ", ".hidden"])
def test_each_label_has_a_folder_of_its_own_inside(database: Database, tmp_path: Path, label: str):
    relabelled(database, label)
    out = tmp_path / "out" / "cells"
    export(database, out, "cutouts", MaskFilter(), lambda _: IMAGE)
    assert [*out.parent.iterdir()] == [out]
    folders = [each.name for each in out.iterdir()]
    assert len({name.casefold() for name in folders}) == 2
    assert not any(name.startswith(".") or name.endswith((".", " ")) for name in folders)
    assert len([*out.glob("*/*.png")]) == 3


@pytest.mark.parametrize("label", ["🐈", "ü", 'a"b', "a: b # c"])
def test_yolo_s_names_are_the_labels(database: Database, tmp_path: Path, label: str):
    relabelled(database, label)
    export(database, tmp_path / "out", "yolo", MaskFilter(), None)
    told = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text("utf-8"))
    assert set(told["names"].values()) == {"a/b", label}


@pytest.mark.parametrize(("most", "fits"), [(255, False), (254, True)])
def test_voc_s_void_is_no_label(tmp_path: Path, most: int, fits: bool):
    mask = LabelledMask(np.ones(SHAPE, bool), str(most), "region")
    picture = Picture("picture", "", SHAPE, None, [mask])
    labels = [str(number) for number in range(1, most + 1)]
    with nullcontext() if fits else pytest.raises(ValueError, match="more than 254 labels or objects"):
        write_voc(tmp_path, [picture], labels)


def test_names_differ_in_more_than_their_case():
    taken: set[str] = set()
    assert [free(taken, name) for name in ("a", "A", "a-2", "b")] == ["a", "A-2", "a-2-2", "b"]
    assert len(stem(f"{'字' * 200}.png").encode()) <= 100


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {*WITH_PIXELS}))
def test_a_mask_of_nobody_knows_which_picture_is_left_out(database: Database, tmp_path: Path, form: str):
    with database.writing() as session:
        session.execute(update(TaskRow).values(data='{"image": "/data/a.png", "other": "/data/b.png"}'))
    with pytest.raises(ValueError, match="task 3: 2 pictures, and no click tells which"):
        export(database, tmp_path / "out", form, MaskFilter(), None)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_was_stopped_leaves_nothing_behind(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
):
    asked: list[SavedMask] = []

    def pixels(found: SavedMask) -> np.ndarray:
        asked.append(found)
        if len(asked) == 2:
            raise error
        return IMAGE

    monkeypatch.chdir(tmp_path)
    with pytest.raises(type(error)) as raised:
        export(database, Path("out"), "masks", MaskFilter(), pixels)
    assert not [*tmp_path.glob("*out*")]
    assert isinstance(error, KeyboardInterrupt) or "out" in str(raised.value)


@pytest.mark.parametrize("form", ["coco", "coco-polygons"])
def test_coco_is_read_by_its_own_tools(exported: Callable[..., Path], form: str):
    folder = exported(form)
    read = COCO(str(folder / "annotations.json"))
    assert [category["name"] for category in read.loadCats(read.getCatIds())] == ["a/b", "cell"]
    assert len(read.imgs) == 2
    picture = next(iter(read.imgs.values()))
    assert np.array_equal(np.asarray(Image.open(folder / "images" / picture["file_name"])), IMAGE)
    for annotation in read.loadAnns(read.getAnnIds(imgIds=[picture["id"]])):
        mask = MASKS[read.cats[annotation["category_id"]]["name"]]
        back = read.annToMask(annotation).astype(bool)
        assert (back == mask).all() or form == "coco-polygons"
        assert (back & mask).sum() / (back | mask).sum() > 0.6  # of ten pixels, by pycocotools' rounding
        assert annotation["area"] == mask.sum()
        left, top, width, height = annotation["bbox"]
        box = np.zeros(SHAPE, bool)
        box[top : top + height, left : left + width] = True
        assert not (mask & ~box).any()


def test_yolo_s_rings_are_the_masks(exported: Callable[..., Path]):
    folder = exported("yolo")
    told = yaml.safe_load((folder / "data.yaml").read_text())
    assert told["names"] == {0: "a/b", 1: "cell"}
    (labels, *_) = sorted((folder / "labels").glob("3-*.txt"))
    assert (folder / "images" / f"{labels.stem}.png").is_file()
    for line in labels.read_text().splitlines():
        number, *ring = line.split()
        times = 40  # drawn so much larger, an edge of one pixel does not count
        points = np.array(ring, float).reshape(-1, 2) * (WIDTH * times, HEIGHT * times)
        canvas = Image.new("1", (WIDTH * times, HEIGHT * times))
        ImageDraw.Draw(canvas).polygon([(x, y) for x, y in points], fill=1)
        middle = np.asarray(canvas)[times // 2 :: times, times // 2 :: times]
        assert (middle == MASKS[told["names"][int(number)]]).all()


def test_index_masks_name_each_pixel_s_label_and_object(exported: Callable[..., Path]):
    folder = exported("masks")
    labels = {int(key): label for key, label in json.loads((folder / "labels.json").read_text()).items()}
    assert labels == {1: "a/b", 2: "cell"}
    classes = np.asarray(Image.open(folder / "classes" / "3-a.png"))
    instances = np.asarray(Image.open(folder / "instances" / "3-a.png"))
    assert ((classes == 1) == MASKS["a/b"]).all(), "the smaller one lies above"
    assert ((classes == 2) == (RING & ~disc())).all()
    assert ((classes > 0) == (instances > 0)).all()
    assert set(np.unique(instances)) == {0, 1, 2}


def test_voc_has_its_folders_and_colours(exported: Callable[..., Path]):
    folder = exported("voc")
    for kind in ("SegmentationClass", "SegmentationObject"):
        image = Image.open(folder / kind / "3-a.png")
        assert image.mode == "P"
        palette = image.getpalette() or []
        assert [palette[3 * k : 3 * k + 3] for k in (0, 1, 2, 15)] == [
            [0] * 3,
            [128, 0, 0],
            [0, 128, 0],
            [192, 128, 128],
        ]
        assert ((np.asarray(image) > 0) == (RING | disc())).all()
    root = ElementTree.parse(folder / "Annotations" / "3-a.xml").getroot()
    assert root.findtext("filename") == "3-a.png"
    boxes = {
        one.findtext("name"): [int(end.text or 0) for end in one.find("bndbox") or ()]
        for one in root.iter("object")
    }
    assert boxes == {"cell": [1, 1, 10, 6], "a/b": [5, 3, 7, 5]}
    assert (folder / "labels.txt").read_text().split() == ["background", "a/b", "cell"]


def read_by_supervision(form: str, folder: Path) -> tuple[list[str], dict[str, Any]]:
    """The labels, and each picture's objects by the picture's name."""
    import supervision

    images, places = str(folder / "images"), {"coco": "annotations.json", "yolo": "labels"}
    read = supervision.DetectionDataset
    if form == "voc":
        data = read.from_pascal_voc(str(folder / "JPEGImages"), str(folder / "Annotations"))
    elif form == "yolo":
        data = read.from_yolo(images, str(folder / places[form]), str(folder / "data.yaml"), True)
    else:
        data = read.from_coco(images, str(folder / places[form]), True)
    return data.classes, {Path(path).stem: objects for path, _, objects in data}


@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_supervision_reads_the_masks(exported: Callable[..., Path], form: str):
    labels, found = read_by_supervision(form, exported(form))
    assert {name: len(objects) for name, objects in found.items()} == {"3-a": 2, "4-a": 1}
    for number, read in zip(found["3-a"].class_id, found["3-a"].mask, strict=True):
        mask = MASKS[labels[number]]
        # A ring is filled as if pixels were their upper left corners, its edges and bridges drawn: one pixel
        # more to the right and below, which says where the ring was.
        edges = cv2.dilate(mask.astype(np.uint8), np.ones((2, 2)), anchor=(1, 1)).astype(bool)
        assert (read >= mask).all()
        if form == "coco" or labels[number] != "cell":
            assert (read == (mask if form == "coco" else edges)).all()


def test_supervision_reads_voc_s_boxes(exported: Callable[..., Path]):
    labels, found = read_by_supervision("voc", exported("voc"))
    objects = found["3-a"]
    boxes = {labels[number]: box.tolist() for number, box in zip(objects.class_id, objects.xyxy, strict=True)}
    assert boxes == {"cell": [0, 0, 10, 6], "a/b": [4, 2, 7, 5]}


def test_cut_outs_are_transparent_around_the_object(exported: Callable[..., Path]):
    folder = exported("cutouts")
    assert {file.parent.name for file in folder.rglob("*.png")} == {"cell", "a_b"}
    cut = np.asarray(Image.open(folder / "cell" / "3-a_0.png"))
    assert ((cut[..., 3] == 255) == RING).all()
    assert (cut[..., :3] == IMAGE).all()


def test_hugging_face_s_own_library_reads_the_folder(
    exported: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = exported("huggingface")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    rows: Any = load_dataset(
        "imagefolder", data_dir=str(folder), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(rows) == 2
    row = next(row for row in rows if len(row["objects"]["category"]) == 2)
    assert (np.asarray(row["image"]) == IMAGE).all()
    assert ((np.asarray(row["classes"]) > 0) == (RING | disc())).all()
    assert row["objects"]["category"] == ["cell", "a/b"]
    assert row["objects"]["bbox"][0] == [0, 0, 10, 6]


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {*WITH_PIXELS}))
def test_without_images_the_pictures_are_named(database: Database, tmp_path: Path, form: str):
    done = export(database, tmp_path / "out", form, MaskFilter(), None)
    assert done.pictures == 2
    text = "".join(file.read_text() for file in (tmp_path / "out").rglob("*.[jx][sm]*"))
    assert "/data/upload/a.png" in text or form in ("yolo", "masks")
    assert not [*(tmp_path / "out").rglob("images/*"), *(tmp_path / "out").rglob("JPEGImages/*")]


def test_filters_say_what_is_exported(database: Database, tmp_path: Path):
    done = export(database, tmp_path / "out", "masks", MaskFilter(label="a/b"), lambda _: IMAGE)
    assert (done.pictures, dict(done.masks)) == (1, {"a/b": 1})
    assert json.loads((tmp_path / "out" / "labels.json").read_text()) == {"1": "a/b", "2": "cell"}, (
        "as in all"
    )


@pytest.mark.parametrize("form", FORMS)
def test_what_can_not_be_had_is_left_out_by_name(database: Database, tmp_path: Path, form: str):
    def pixels(found: SavedMask) -> np.ndarray:
        if found.annotation.task == "4":
            raise ImageUnavailableError("image", "gone", "Look for it")
        return IMAGE

    done: Export = export(database, tmp_path / "out", form, MaskFilter(), pixels)
    assert done.pictures == 1
    assert done.left_out == ["task 4: image: gone. Look for it"]


@pytest.mark.parametrize("size", [(HEIGHT + 1, WIDTH), (HEIGHT, WIDTH - 1)])
def test_a_picture_of_another_size_is_left_out(database: Database, tmp_path: Path, size: tuple[int, int]):
    with pytest.raises(ValueError, match="The image was replaced since"):
        export(database, tmp_path / "out", "coco", MaskFilter(), lambda _: np.zeros((*size, 3), np.uint8))
    assert [*tmp_path.glob("*out*")] == [], "nothing is left behind"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "coca"], "--format coca: not one of coco, coco-polygons, yolo"),
        (["--format", "cutouts", "--no-images"], "leave --no-images out"),
        (["--project", "99"], "no mask to export"),
        (["--label", "zzz"], "--label zzz: no saved mask has it. Labels there are: "),
        (["--out", "full"], "full: not empty. Choose another folder"),
    ],
)
def test_refusals_name_what_to_do(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    result = CliRunner().invoke(app, ["export", "--home", "home", "--out", "out", *arguments])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_the_command_says_what_it_wrote(database: Database, tmp_path: Path):
    out = tmp_path / "out"
    options = ["--home", str(tmp_path / "home"), "--out", str(out), "--format", "masks", "--no-images"]
    result = CliRunner().invoke(app, ["export", *options])
    assert f"2 pictures in {out}: 2 cell, 1 a/b. 0 left out." in " ".join(result.output.split())


@pytest.mark.parametrize("command", ["export", "collect"])
def test_ctrl_c_leaves_nothing_and_says_so(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
):
    def stopped(found: SavedMask) -> np.ndarray:
        raise KeyboardInterrupt

    monkeypatch.setattr("click99.server.saved_images.saved_images", lambda settings: stopped)
    out = tmp_path / "out"
    result = CliRunner().invoke(app, [command, "--home", str(tmp_path / "home"), "--out", str(out)])
    assert result.exit_code == 1, result.output
    assert f"Stopped: nothing is in {out}; the same command begins anew." in " ".join(result.output.split())
    assert [*tmp_path.iterdir()] == [tmp_path / "home"]

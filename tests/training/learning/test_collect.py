"""`click99 collect`: what people saved becomes a data set that does not change, or a message why not."""

from __future__ import annotations

import base64
import errno
import json
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import insert, select
from typer.testing import CliRunner

from click99.annotations import answered_clicks
from click99.annotations.database import Database, sqlite_url
from click99.annotations.events import keep_event
from click99.annotations.masks import Bits
from click99.annotations.saved_masks import MaskFilter, SavedMask
from click99.annotations.tables import RegionRow
from click99.cli import app
from click99.labelstudio.errors import ImageUnavailableError
from click99.server.saved_images import address
from click99_training.datasets.folders import MaskFolder
from click99_training.learning.collect import collect
from click99_training.learning.snapshots import SnapshotError, image_name, split_of, verify
from tests.annotations.examples import NOON, SHAPE, answered_click, brush_item, deleted, disc, saved

IMAGE = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), np.uint8)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path / "home"))


def keep(database: Database, *bodies: bytes) -> None:
    for body in bodies:
        with database.writing() as session:
            keep_event(session, body, NOON)


def pixels(_: SavedMask) -> np.ndarray:
    return IMAGE


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "clicks.jsonl").read_text().splitlines()]


def test_the_plain_folder_loader_reads_it(database: Database, tmp_path: Path):
    keep(database, saved(brush_item("a"), brush_item("b", ~disc())))
    made = collect(database, tmp_path / "set", MaskFilter(), pixels)
    split = split_of(image_name(IMAGE))
    assert made.masks == {split: 2}
    samples = list(MaskFolder(tmp_path / "set" / split))
    assert len(samples) == 2
    assert np.array_equal(samples[0].image, IMAGE)
    assert {sample.truth.tobytes() for sample in samples} == {disc().tobytes(), (~disc()).tobytes()}
    for file in (tmp_path / "set" / split / "masks").glob("*.png"):
        assert set(np.unique(np.asarray(Image.open(file)))) == {0, 255}


@pytest.mark.parametrize(
    ("pixels_of_it", "why"),
    [
        (0, "the mask is empty"),
        (1, "the mask is one pixel"),
        (SHAPE[0] * SHAPE[1], "the mask is the whole image, which tells nothing"),
    ],
)
def test_a_mask_that_tells_nothing_is_left_out(
    database: Database, tmp_path: Path, pixels_of_it: int, why: str
):
    mask = (np.arange(SHAPE[0] * SHAPE[1]) < pixels_of_it).reshape(SHAPE)
    keep(database, saved(brush_item("a"), brush_item("b", mask)))
    made = collect(database, tmp_path / "set", MaskFilter(), pixels)
    (message,) = made.left_out
    assert made.masks.total() == 1
    assert message.endswith(f"region b: {why}")


def test_the_clicks_that_people_made_come_with_it(database: Database, tmp_path: Path):
    corrected = answered_click("c", origin="draft", start=Bits.pack(disc(3)))
    with database.writing() as session:
        for answer in (answered_click("ab"), corrected):
            answered_clicks.write(session, answer)
    keep(database, saved(brush_item("object")))
    collect(database, tmp_path / "set", MaskFilter(), pixels)
    (line,) = lines(tmp_path / "set")
    assert (line["label"], line["annotator"], line["region"]) == ("cell", "4", "object")
    assert [(c["x"], c["positive"], c["origin"]) for c in line["clicks"]] == [
        (0, True, "nothing"),
        (1, False, "click"),
        (0, True, "draft"),
    ]
    start = np.asarray(Image.open(tmp_path / "set" / line["clicks"][2]["start"])) > 0
    assert np.array_equal(start, disc(3))


def test_images_keep_their_split(database: Database):
    assert [split_of(name + 8 * "0") for name in ("00000000", "cccccccc", "cccccccd", "f0000000")] == [
        "train",
        "train",
        "val",
        "test",
    ]
    assert image_name(IMAGE) == image_name(IMAGE.copy()) != image_name(IMAGE[::-1])


def test_the_manifest_says_what_was_asked_for(database: Database, tmp_path: Path):
    keep(database, saved(brush_item()))
    collect(database, tmp_path / "set", MaskFilter(label="cell"), pixels)
    manifest = verify(tmp_path / "set")
    assert manifest["query"]["label"] == "cell"
    assert "click99.db" in manifest["database"]


def change(file: Path) -> None:
    file.chmod(0o644)
    file.write_bytes(file.read_bytes() + b" ")


EDITS = {
    "changed": (lambda folder: change(folder / "clicks.jsonl"), "clicks.jsonl is not as it was collected"),
    "removed": (lambda folder: (folder / "clicks.jsonl").unlink(), "clicks.jsonl is not as it was collected"),
    "added": (lambda folder: (folder / "more.png").touch(), "more.png was added by hand"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "no snapshot"),
}


@pytest.mark.parametrize(("edit", "message"), EDITS.values(), ids=EDITS.keys())
def test_a_snapshot_edited_by_hand_is_refused(database: Database, tmp_path: Path, edit: Any, message: str):
    keep(database, saved(brush_item()))
    collect(database, tmp_path / "set", MaskFilter(), pixels)
    assert verify(tmp_path / "set")
    edit(tmp_path / "set")
    with pytest.raises(SnapshotError, match=message):
        verify(tmp_path / "set")


def test_a_snapshot_is_never_written_over(database: Database, tmp_path: Path):
    keep(database, saved(brush_item()))
    collect(database, tmp_path / "set", MaskFilter(), pixels)
    with pytest.raises(SnapshotError, match="not empty"):
        collect(database, tmp_path / "set", MaskFilter(), pixels)


def test_nothing_to_collect_is_said(database: Database, tmp_path: Path):
    keep(database, saved(brush_item()), deleted())
    with pytest.raises(SnapshotError, match=r"no saved mask has label=cell\. Widen"):
        collect(database, tmp_path / "set", MaskFilter(label="cell"), pixels)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_record_without_masks_is_told_as_one(database: Database, tmp_path: Path):
    with pytest.raises(SnapshotError, match=r"the record has no saved mask\. Click and save"):
        collect(database, tmp_path / "set", MaskFilter(), pixels)


def test_an_image_that_is_gone_costs_its_masks_only(database: Database, tmp_path: Path):
    def gone(found: SavedMask) -> np.ndarray:
        if found.annotation.id == "9":
            raise ImageUnavailableError("tasks[0].data.image", "gone", "Bring it back")
        return IMAGE

    keep(database, saved(brush_item("a")), saved(brush_item("b"), number=10, task=4))
    made = collect(database, tmp_path / "set", MaskFilter(), gone)
    assert made.masks.total() == 1
    (message,) = made.left_out
    assert "annotation 9, region a: tasks[0].data.image: gone" in message


def test_a_replaced_image_costs_its_masks_only(database: Database, tmp_path: Path):
    keep(database, saved(brush_item()))
    with pytest.raises(SnapshotError, match="was replaced since"):
        collect(database, tmp_path / "set", MaskFilter(), lambda found: IMAGE[:3])


PICTURES = {f"/data/upload/{k}.png": np.roll(IMAGE, k, 1)[:, : SHAPE[1] - k] for k in (0, 1)}
LIST = {"images": [*PICTURES], "caption": "cells"}


def its_picture(found: SavedMask) -> np.ndarray:
    """Of a task with two, of different widths."""
    return PICTURES[address(found)]


def keep_list(database: Database, *bodies: bytes) -> None:
    """Events of the task with two pictures; the object "first" was clicked on the first, "second" on the
    other."""
    with database.writing() as session:
        for region, image in zip(("first", "second"), PICTURES, strict=True):
            answered_clicks.write(session, replace(answered_click(region[0], region), image=image))
    keep(
        database,
        *(json.dumps(json.loads(body) | {"task": {"id": 3, "data": LIST}}).encode() for body in bodies),
    )


def on_second(region: str) -> dict[str, Any]:
    return brush_item(region, disc()[:, :-1], original_width=SHAPE[1] - 1)


def test_each_mask_goes_with_its_own_picture_of_several(database: Database, tmp_path: Path):
    one, other = saved(brush_item("first")), saved(on_second("second"), number=10, completed_by=5)
    keep_list(database, one, other)
    made = collect(database, tmp_path / "set", MaskFilter(), its_picture)
    assert (made.left_out, made.contradictions) == ([], [])
    files = {line["region"]: Path(line["mask"]).stem for line in lines(tmp_path / "set")}
    first, second = map(image_name, PICTURES.values())
    assert files == {"first": f"{first}_0", "second": f"{second}_0"}


@pytest.mark.parametrize("drawn", ["a", "z"])  # read before the mask that was clicked, and after it
def test_a_mask_that_was_drawn_on_one_of_several_pictures_is_left_out(
    database: Database, tmp_path: Path, drawn: str
):
    keep_list(database, saved(brush_item("first"), brush_item(drawn, origin="manual")))
    made = collect(database, tmp_path / "set", MaskFilter(), its_picture)
    assert [line["region"] for line in lines(tmp_path / "set")] == ["first"]
    (message,) = made.left_out
    assert f"region {drawn}" in message
    assert "it has 2 images" in message


@pytest.mark.parametrize("data", [{"image": "/a.png", "caption": "cells"}, {"images": ["/a.png"]}])
def test_a_mask_that_was_drawn_on_the_only_picture_is_kept(
    database: Database, tmp_path: Path, data: dict[str, Any]
):
    event = json.loads(saved(brush_item("drawn", origin="manual")))
    keep(database, json.dumps(event | {"task": {"id": 3, "data": data}}).encode())
    made = collect(database, tmp_path / "set", MaskFilter(), lambda found: {"/a.png": IMAGE}[address(found)])
    assert (made.masks.total(), made.left_out) == (1, [])


def test_images_are_kept_once_for_all_snapshots(database: Database, tmp_path: Path):
    keep(database, saved(brush_item("a")))
    store, name = tmp_path / "store", f"{image_name(IMAGE)}.png"
    for snapshot in ("one", "two"):
        collect(database, tmp_path / snapshot, MaskFilter(), pixels, store=store)
    assert (store / name).stat().st_nlink == 3
    (store / name).unlink()
    (tmp_path / "one" / "manifest.json").unlink()
    verify(tmp_path / "two")
    split = split_of(image_name(IMAGE))
    assert np.array_equal(MaskFolder(tmp_path / "two" / split)[0].image, IMAGE)


def test_a_disk_without_links_gets_copies(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    keep(database, saved(brush_item("a")))
    collect(database, tmp_path / "set", MaskFilter(), pixels, store=tmp_path / "store")
    verify(tmp_path / "set")
    assert [path.stat().st_nlink for path in (tmp_path / "set").rglob("images/*.png")] == [1]


def two_annotators(database: Database, other: np.ndarray) -> None:
    keep(database, saved(brush_item("a")), saved(brush_item("b", other), number=10, completed_by=5))


def test_contradictions_are_told_and_kept(database: Database, tmp_path: Path):
    two_annotators(database, ~disc())
    made = collect(database, tmp_path / "set", MaskFilter(), pixels)
    assert made.masks.total() == 2
    (message,) = made.contradictions
    assert "annotation 10" in message
    assert "annotation 9" in message
    assert "disagree about 'cell' (IoU 0.00)" in message


@pytest.mark.parametrize(("other", "kept"), [(disc(), 2), (disc(3), 0)], ids=["agree", "do not"])
def test_agreement_of_two_annotators(database: Database, tmp_path: Path, other: np.ndarray, kept: int):
    two_annotators(database, other)
    if kept:
        made = collect(database, tmp_path / "set", MaskFilter(), pixels, agreement=0.9)
        assert (made.masks.total(), made.left_out) == (kept, [])
    else:
        with pytest.raises(SnapshotError, match="nobody else's mask agrees"):
            collect(database, tmp_path / "set", MaskFilter(), pixels, agreement=0.9)


def test_an_image_annotated_twice_is_one_image(database: Database, tmp_path: Path):
    other = disc()
    other[0, 0] = True
    two_annotators(database, other)
    made = collect(database, tmp_path / "set", MaskFilter(), pixels)
    assert [line["annotation"] for line in lines(tmp_path / "set")] == ["10", "9"]
    assert len([*(tmp_path / "set").rglob("images/*.png")]) == 1
    assert made.contradictions == [], "they differ, and agree"


def test_a_label_renamed_in_between_costs_no_mask(database: Database, tmp_path: Path):
    renamed = brush_item("b")
    renamed["value"]["brushlabels"] = ["nucleus"]
    keep(database, saved(brush_item("a"), brush_item("b")))
    keep(database, saved(brush_item("a"), renamed, action="ANNOTATION_UPDATED", minute=1))
    made = collect(database, tmp_path / "set", MaskFilter(), pixels)
    assert sorted((line["region"], line["label"]) for line in lines(tmp_path / "set")) == [
        ("a", "cell"),
        ("b", "nucleus"),
    ]
    assert (made.left_out, made.contradictions) == ([], [])


@pytest.mark.slow("five thousand masks")
def test_five_thousand_masks_are_collected(database: Database, tmp_path: Path):
    """Of one image, which is the most work: each is looked at by itself, and none waits for the disk."""
    keep(database, saved(brush_item("object 0")))
    with database.writing() as session:
        first = session.scalars(select(RegionRow)).one()
        known = {column.name: getattr(first, column.name) for column in RegionRow.__table__.columns}
        session.execute(insert(RegionRow), [known | {"id": f"object {k}"} for k in range(1, 5000)])
    begun = time.process_time()
    made = collect(database, tmp_path / "set", MaskFilter(), pixels)
    assert (made.masks.total(), made.left_out, made.contradictions) == (5000, [], [])
    assert len({line["mask"] for line in lines(tmp_path / "set")}) == 5000
    assert time.process_time() - begun < 30


def test_projects_are_collected_apart(database: Database, tmp_path: Path):
    for project in (1, 12, 3):
        event = json.loads(saved(brush_item(f"of {project}"), number=project))
        event["project"]["id"] = project
        keep(database, json.dumps(event).encode())
    for asked, regions in (("1", ["of 1"]), ("1+3", ["of 1", "of 3"]), ("12", ["of 12"])):
        collect(database, tmp_path / asked, MaskFilter(project=asked), pixels)
        assert sorted(line["region"] for line in lines(tmp_path / asked)) == regions


def test_the_command_collects_from_the_server_s_record(database: Database, tmp_path: Path):
    file = BytesIO()
    Image.fromarray(IMAGE).save(file, "PNG")
    image = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    with database.writing() as session:
        answered_clicks.write(session, replace(answered_click("a"), image=image))
    keep(database, saved(brush_item("object")))
    home = tmp_path / "home"
    given = ["collect", "--home", str(home), "--out", str(tmp_path / "set"), "--label", "cell", "--link"]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    assert "1 masks" in result.output
    assert (home / "snapshot-images" / f"{image_name(IMAGE)}.png").stat().st_nlink == 2
    again = CliRunner().invoke(app, given)
    assert again.exit_code == 2
    assert "not empty" in again.output

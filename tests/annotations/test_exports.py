"""Exports are recorded without a server, once, and bad ones are named."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from click99.annotations import exports, masks
from click99.annotations.database import Database
from click99.annotations.events import keep_event
from click99.annotations.exports import ExportError, import_export
from click99.annotations.tables import AnnotationRow, EventRow, MaskRow, RegionRow
from tests.annotations.examples import NOON, PROJECT_KEY, brush_item, disc, saved
from tests.recorded import PAYLOADS, RECORDED, needs_recorded

NAME = "task-3-annotation-9-by-ann@example.com-brush-red-cell-0.png"


def recorded(database: Database) -> list[AnnotationRow]:
    with database.reading() as session:
        return list(session.scalars(select(AnnotationRow).order_by(AnnotationRow.id)))


def regions(database: Database) -> list[tuple[RegionRow, np.ndarray]]:
    with database.reading() as session:
        found = session.execute(select(RegionRow, MaskRow).join(MaskRow, RegionRow.mask == MaskRow.key)).all()
        return [(region, masks.pixels(mask)) for region, mask in found]


def exported(*items: dict[str, Any], minute: int = 0) -> list[dict[str, Any]]:
    annotation = json.loads(saved(*items, minute=minute))["annotation"]
    return [{"id": 3, "project": 1, "data": {"image": "/data/upload/a.png"}, "annotations": [annotation]}]


def png(mask: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(mask.view(np.uint8) * np.uint8(255)).save(file, "PNG")
    return file.getvalue()


def test_a_json_export_is_recorded_once(database: Database, tmp_path: Path):
    file = tmp_path / "export.json"
    file.write_text(json.dumps(exported(brush_item("object"))))
    assert [import_export(database, file), import_export(database, file)] == [1, 0]
    ((region, mask),) = regions(database)
    assert (region.id, region.annotation, region.project) == ("object", "9", "1")
    assert np.array_equal(mask, disc())


def test_an_export_of_a_known_project_joins_it(database: Database, tmp_path: Path):
    with database.writing() as session:
        keep_event(session, saved(brush_item()), NOON)
    (tmp_path / "export.json").write_text(json.dumps(exported(brush_item("newer"), minute=1)))
    import_export(database, tmp_path / "export.json")
    (annotation,) = recorded(database)
    assert annotation.project == PROJECT_KEY
    assert [region.id for region, _ in regions(database)] == ["newer"]


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_brush_pngs_are_recorded(database: Database, tmp_path: Path, packed: bool):
    export = tmp_path / "export.zip" if packed else tmp_path / "export"
    if packed:
        with zipfile.ZipFile(export, "w") as archive:
            archive.writestr(NAME, png(disc()))
    else:
        export.mkdir()
        (export / NAME).write_bytes(png(disc()))
    assert import_export(database, export, project=1) == 1
    (annotation,), ((region, mask),) = recorded(database), regions(database)
    assert (annotation.project, annotation.task, annotation.id) == ("1", "3", "9")
    assert (annotation.annotator, region.label) == ("ann@example.com", "red-cell")
    assert np.array_equal(mask, disc())


def test_pngs_do_not_replace_what_is_known_better(database: Database, tmp_path: Path):
    with database.writing() as session:
        keep_event(session, saved(brush_item("object")), NOON)
    (tmp_path / NAME).write_bytes(png(~disc()))
    import_export(database, tmp_path, project=1)
    assert [region.id for region, _ in regions(database)] == ["object"]


BAD: dict[str, tuple[str, bytes, str]] = {
    "no JSON": ("export.json", b"[", "no JSON"),
    "JSON-MIN": ("export.json", b'[{"image": "a.png", "brush": []}]', "not as JSON-MIN"),
    "something else": ("export.csv", b"a,b", "neither JSON, nor"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD.values(), ids=BAD.keys())
def test_what_is_no_export_is_named(
    database: Database, tmp_path: Path, name: str, content: bytes, message: str
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExportError, match=f"{name}: .*{message}"):
        import_export(database, tmp_path / name)


@pytest.mark.parametrize(("name", "message"), [("other.png", "no file named as"), (NAME, "no readable PNG")])
def test_pngs_that_are_none_of_label_studio_s(database: Database, tmp_path: Path, name: str, message: str):
    (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(ExportError, match=message):
        import_export(database, tmp_path)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(PAYLOADS / "export.json", id="ours"),
        pytest.param(RECORDED / "export_JSON.json", id="recorded", marks=needs_recorded),
    ],
)
def test_a_whole_export_is_read(database: Database, file: Path):
    tasks = json.loads(file.read_text())
    assert import_export(database, file) == sum(len(task["annotations"]) for task in tasks)
    with database.reading() as session:
        assert set(session.scalars(select(EventRow.problem))) == {None}


def zipped(path: Path, content: bytes, name: str = NAME) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


def test_a_zip_that_unpacks_to_too_much(database: Database, tmp_path: Path):
    bomb = zipped(tmp_path / "bomb.zip", bytes(70 * 2**20))
    with pytest.raises(ExportError, match="more than 67108864 bytes"):
        import_export(database, bomb)


def test_an_encrypted_or_a_damaged_zip(database: Database, tmp_path: Path):
    whole = zipped(tmp_path / "a.zip", bytes(range(256)) * 50).read_bytes()
    encrypted, cut = bytearray(whole), bytearray(whole)
    encrypted[6] |= 1  # the flags of the file's header, and of the directory's
    encrypted[whole.index(b"PK\x01\x02") + 8] |= 1
    cut[60:110] = bytes(50)
    for damaged, message in ((encrypted, "encrypted"), (cut, "no readable PNG")):
        (tmp_path / "b.zip").write_bytes(damaged)
        with pytest.raises(ExportError, match=message):
            import_export(database, tmp_path / "b.zip")


def test_a_png_larger_than_any_image(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exports, "MAX_PIXELS", 99)
    file = BytesIO()
    Image.new("1", (10, 10)).save(file, "PNG")
    with pytest.raises(ExportError, match="10 × 10, larger than any image"):
        import_export(database, zipped(tmp_path / "a.zip", file.getvalue()))


def test_json_that_is_nested_without_end(database: Database, tmp_path: Path):
    (tmp_path / "a.json").write_text("[" * 200_000)
    with pytest.raises(ExportError, match=r"a\.json: no JSON"):
        import_export(database, tmp_path / "a.json")


@pytest.mark.parametrize("annotations", [None, [None], {}, "x", 7])
def test_tasks_without_annotations_are_none(database: Database, tmp_path: Path, annotations: Any):
    (tmp_path / "a.json").write_text(json.dumps([{"id": 1, "annotations": annotations}]))
    assert import_export(database, tmp_path / "a.json") <= (annotations == {})

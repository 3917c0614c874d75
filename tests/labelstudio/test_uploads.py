"""The same name before an upload and in the task after it."""

from __future__ import annotations

import pytest

from click99.labelstudio.uploads import file_name, names_at


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/data/upload/1/56d3f76d-a_b%C3%BC1.jpg", "a bü(1).jpg"),
        ("/data/local-files/?d=photos/a%20b.png", "photos/a b.png"),
        ("s3://bucket/folder/cells.tif", "cells.tif"),
        ("https://host/x/cells.tif?signature=1", "C:\\x\\cells.tif"),
        ("/data/upload/1/56d3f76d-550e8400-e29b-41d4.jpg", "550e8400-e29b-41d4.jpg"),
        ("/data/upload/1/56d3f76d-scan_3_50.png", "scan #3 50%.png"),
        ("/data/upload/1/56d3f76d-a.jpg", "56d3f76d-a.jpg"),
        ("https://host/550e8400-x.jpg", "550e8400-x.jpg"),
    ],
)
def test_an_upload_keeps_its_name(address: str, name: str):
    assert file_name(name) in names_at(address)


def test_others_have_others():
    names = ("a.jpg", "b.jpg", "a.png", "00000001-a.jpg", "00000002-a.jpg")
    assert len({names_at(f"/data/upload/1/56d3f76d-{name}")[0] for name in names}) == 5


def test_what_is_no_address_has_no_name():
    assert names_at("//[1") == []

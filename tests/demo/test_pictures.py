"""The sample pictures lie inside the scikit-image wheel and are pictures."""

from __future__ import annotations

from importlib.metadata import files
from io import BytesIO

import pytest
from PIL import Image

from click99.demo.pictures import PICTURES, pictures


def test_every_picture_comes_with_the_wheel() -> None:
    in_wheel = {str(file) for file in files("scikit-image") or []}
    assert {f"skimage/data/{name}" for name in PICTURES} <= in_wheel


def test_every_picture_states_a_free_licence() -> None:
    assert all(licence.startswith(("CC0, ", "public domain, ")) for licence in PICTURES.values())


@pytest.mark.parametrize("picture", pictures(), ids=lambda picture: picture.name)
def test_every_picture_can_be_decoded(picture) -> None:
    with Image.open(BytesIO(picture.read_bytes())) as image:
        image.load()
        assert min(image.size) >= 300
